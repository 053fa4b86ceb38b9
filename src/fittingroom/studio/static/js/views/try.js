// Try it on: a photo or a drawing, every step down to what the model sees, and what it says.

import { get, post, send } from "../api.js";
import { field, h, replace, segments } from "../dom.js";
import { bars, fromBase64, picture } from "../picture.js";
import { WORDS } from "../words.js";
import { drawingPad } from "./drawing-pad.js";
import { cameraBox } from "./camera-box.js";
import { cropBox } from "./crop-box.js";

const TEXT = WORDS.try;
const SIDE = 28;

export async function mount(root) {
  const models = await get("models");
  if (!models.length)
    return replace(
      root,
      h("section", { class: "view" }, h("h1", {}, WORDS.parts.try), h("p", { class: "empty" }, TEXT.noModel)),
    );
  const photo = models.find((model) => model.title.endsWith("/photo"));
  const state = {
    model: (photo ?? models.find((model) => model.kind === "shipped") ?? models[0]).key,
    file: null,
    polarity: "auto",
    mirror: false,
    crop: "",
    mountToken: 0,
  };
  const input = h("div", { class: "try-input" });
  const corrections = h("div", { class: "try-corrections", hidden: true });
  const result = h("div", { class: "try-result", "aria-live": "polite" }, h("p", { class: "empty" }, TEXT.empty));
  const steps = h("div", { class: "try-steps" });
  let close = () => {};

  const model = h(
    "select",
    { onchange: () => ((state.model = model.value), again()) },
    models.map((each) => h("option", { value: each.key }, each.title)),
  );
  model.value = state.model;

  async function answer(ask) {
    const mountToken = ++state.mountToken;
    result.classList.add("waiting");
    try {
      const told = await ask();
      if (mountToken === state.mountToken) show(told);
    } catch (error) {
      if (mountToken === state.mountToken)
        replace(result, h("p", { class: "notice bad", role: "alert" }, error.message));
    } finally {
      if (mountToken === state.mountToken) result.classList.remove("waiting");
    }
  }

  function show(told) {
    const best = told.probabilities.indexOf(Math.max(...told.probabilities));
    const is = told.none_of_these ? TEXT.noneOfThese : told.class_names[best];
    const seen = picture(fromBase64(told.image), SIDE, SIDE, TEXT.seen, "seen");
    const warnings = (told.warnings ?? []).map((words) =>
      h("p", { class: "notice" }, words[0].toUpperCase() + words.slice(1) + "."),
    );
    const none =
      told.none_of_these_score === null
        ? null
        : h("p", { class: "muted small number" }, TEXT.noneScore(told.none_of_these_score));
    replace(
      result,
      h(
        "div",
        { class: "try-answer" },
        h("figure", {}, seen, h("figcaption", {}, TEXT.seen)),
        h(
          "div",
          {},
          h("h2", { class: told.none_of_these ? "muted" : "" }, is),
          none,
          bars(told.class_names, told.probabilities),
        ),
      ),
      warnings,
    );
    replace(steps, told.steps ? [h("h2", {}, TEXT.steps), h("ol", { class: "steps" }, told.steps.map(step))] : []);
  }

  const step = (each) =>
    h(
      "li",
      {},
      h("img", { src: each.picture, alt: TEXT.stepAlt(each.name) }),
      h("h3", {}, each.name),
      h("p", { class: "muted small" }, each.reason),
    );

  const photoPath = () =>
    `photos?${new URLSearchParams({ model: state.model, polarity: state.polarity, mirror: state.mirror, crop: state.crop })}`;
  const askPhoto = () => answer(() => send(photoPath(), state.file, state.file.type || "application/octet-stream"));
  let again = () => {};

  function take(file) {
    Object.assign(state, { file, polarity: "auto", mirror: false, crop: "" });
    fillCorrections();
    again = askPhoto;
    askPhoto();
  }

  function fillCorrections() {
    corrections.hidden = !state.file;
    if (!state.file) return;
    const mirror = h("input", { type: "checkbox", onchange: () => ((state.mirror = mirror.checked), askPhoto()) });
    const crop = cropBox(state.file, (box) => ((state.crop = box), askPhoto()));
    replace(
      corrections,
      h("h2", {}, TEXT.correct),
      h("p", { class: "muted small" }, TEXT.correctHelp),
      h(
        "div",
        { class: "field" },
        h("span", { class: "label" }, TEXT.polarity),
        segments(
          TEXT.polarity,
          Object.entries(TEXT.polarities),
          state.polarity,
          (value) => ((state.polarity = value), askPhoto()),
        ),
      ),
      h("label", { class: "check" }, mirror, TEXT.mirror),
      crop,
    );
  }

  const WAYS = {
    photo() {
      const file = h("input", {
        type: "file",
        accept: "image/*,.heic,.heif",
        class: "hush",
        id: "try-file",
        onchange: () => file.files[0] && take(file.files[0]),
      });
      const zone = h(
        "div",
        { class: "drop" },
        h("p", {}, TEXT.drop),
        h("label", { class: "button", for: "try-file" }, TEXT.choose),
        file,
      );
      zone.addEventListener("dragover", (event) => (event.preventDefault(), zone.classList.add("over")));
      zone.addEventListener("dragleave", () => zone.classList.remove("over"));
      zone.addEventListener("drop", (event) => {
        event.preventDefault();
        zone.classList.remove("over");
        if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
      });
      replace(input, zone);
      return () => {};
    },
    camera() {
      const box = cameraBox(take);
      replace(input, box.root);
      return box.close;
    },
    draw() {
      const ask = (pixels) => {
        again = () =>
          answer(() =>
            post("drawings", {
              model: state.model,
              height: SIDE,
              width: SIDE,
              pixels: btoa(String.fromCharCode(...pixels)),
            }),
          );
        again();
      };
      replace(input, drawingPad(SIDE, ask, clear));
      return () => {};
    },
  };
  function clear() {
    Object.assign(state, { file: null, mountToken: state.mountToken + 1 });
    again = () => {};
    corrections.hidden = true;
    result.classList.remove("waiting");
    replace(result, h("p", { class: "empty" }, TEXT.empty));
    replace(steps);
  }
  function use(way) {
    close();
    clear();
    close = WAYS[way]();
  }
  const paste = (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    ways.press("photo");
    use("photo");
    take(file);
  };
  addEventListener("paste", paste);

  const ways = segments(TEXT.way, Object.entries(TEXT.ways), "photo", use);
  const left = h("div", { class: "try-left" }, h("div", { class: "row" }, ways), input, corrections);
  replace(
    root,
    h(
      "section",
      { class: "view" },
      h("header", {}, h("h1", {}, WORDS.parts.try), h("p", { class: "lede" }, TEXT.lede)),
      h("div", { class: "try-page" }, left, h("div", { class: "try-right" }, field(TEXT.model, model), result)),
      steps,
    ),
  );
  use("photo");
  return () => (close(), removeEventListener("paste", paste));
}
