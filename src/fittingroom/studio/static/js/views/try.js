// Try it on: a photo or a drawing, every step down to what the model sees, and what it says.

import { formatHash } from "../address.js";
import { get, post, send } from "../api.js";
import { empty, field, h, notice, replace, segments } from "../dom.js";
import { bars, fromBase64, picture } from "../picture.js";
import { WORDS } from "../words.js";
import { cameraBox } from "./camera-box.js";
import { cropBox } from "./crop-box.js";
import { DrawingPad } from "./drawing-pad.js";
import { dropZone } from "./drop-zone.js";
import { shareMenu } from "./share-menu.js";
import { whyBox } from "./why-box.js";

const TEXT = WORDS.try;
const SIDE = 28;
const WAYS = ["photo", "camera", "draw"];

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  const header = h("header", {}, h("h1", {}, WORDS.parts.try), h("p", { class: "lede" }, TEXT.lede));
  const body = h("div", {}, h("p", { class: "muted", role: "status" }, WORDS.loading));
  replace(root, h("div", { class: "view" }, header, body));
  const models = await get("models", context.signal);
  if (!models.length) return replace(body, empty(TEXT.noModel, WORDS.trainOne, formatHash("train")));
  const part = new TryPart(models, context);
  replace(body, part.root);
}

class TryPart {
  constructor(/** @type {any[]} */ models, /** @type {import("../router.js").Context} */ context) {
    this.context = context;
    const usual = models.find((model) => model.title.endsWith("/photo"));
    const plain = (usual ?? models.find((model) => model.kind === "shipped") ?? models[0]).key;
    const asked = context.query.get("model");
    this.usual = plain;
    this.model = models.some((model) => model.key === asked) ? /** @type {string} */ (asked) : plain;
    /** @type {Blob | null} */
    this.file = null;
    this.correction = { polarity: "auto", mirror: false, crop: "" };
    this.asked = 0; // answers that were asked for; only the last one's is shown
    this.isAsking = false;
    /** @type {((why?: boolean) => Promise<any>) | null} what is asked, or why it was answered so */
    this.question = null;
    this.shown = new AbortController(); // the answer that is shown
    this.close = () => {};
    this.input = h("div", { class: "try-input" });
    this.corrections = h("div", { class: "try-corrections", hidden: true });
    this.result = h("div", { class: "try-result", "aria-live": "polite" });
    this.steps = h("div", { class: "try-steps" });
    const way = context.query.get("way") ?? "";
    this.way = WAYS.includes(way) ? way : "photo";
    const ways = /** @type {[string, string][]} */ (Object.entries(TEXT.ways));
    this.ways = segments(TEXT.way, ways, this.way, (chosen) => this.use(chosen));
    this.root = this.layout(models);
    this.use(this.way);
    context.listen(window, "paste", (event) => this.paste(event));
    context.listen(window, "filedrop", (event) => this.takePhoto(event.detail));
    context.signal.addEventListener("abort", () => this.close());
  }

  layout(/** @type {any[]} */ models) {
    const options = models.map((each) => h("option", { value: each.key }, each.title));
    const model = h("select", {}, options);
    model.value = this.model;
    model.addEventListener("change", () => {
      this.model = model.value;
      this.keep();
      this.ask();
    });
    const left = h(
      "div",
      { class: "try-left" },
      h("div", { class: "row" }, this.ways.root),
      this.input,
      this.corrections,
    );
    const share = shareMenu(() => this.model, "", ["page", "onnx", "keras"]);
    const more = this.context.about.may_change ? share : null;
    const right = h("div", { class: "try-right" }, field(TEXT.model, model), more, this.result);
    return h("div", {}, h("div", { class: "try-page" }, left, right), this.steps);
  }

  keep() {
    const model = this.model === this.usual ? "" : this.model;
    this.context.keep([], { model, way: this.way === "photo" ? "" : this.way });
  }

  use(/** @type {string} */ way) {
    this.close();
    this.clear();
    this.way = way;
    this.keep();
    this.close = this.open(way);
  }

  /** @returns {() => void} */
  open(/** @type {string} */ way) {
    if (way === "camera") {
      const box = cameraBox((file) => this.take(file));
      replace(this.input, box.root);
      return box.close;
    }
    if (way === "draw") {
      const pad = new DrawingPad(SIDE, (pixels) => this.takeDrawing(pixels), () => this.clear()); // prettier-ignore
      replace(this.input, pad.root);
    } else
      replace(
        this.input,
        dropZone((file) => this.take(file)),
      );
    return () => {};
  }

  clear() {
    Object.assign(this, { file: null, question: null, asked: this.asked + 1 });
    this.corrections.hidden = true;
    this.result.classList.remove("waiting");
    replace(this.result, h("p", { class: "empty" }, TEXT.empty));
    replace(this.steps);
  }

  paste(/** @type {ClipboardEvent} */ event) {
    const files = [...(event.clipboardData?.files ?? [])];
    const file = files.find((each) => each.type.startsWith("image/"));
    if (file) this.takePhoto(file);
  }

  // A photo that comes from outside the part that is open.
  takePhoto(/** @type {File} */ file) {
    this.ways.press("photo");
    if (this.way !== "photo") this.use("photo");
    this.take(file);
  }

  take(/** @type {Blob} */ file) {
    this.file = file;
    this.correction = { polarity: "auto", mirror: false, crop: "" };
    this.fillCorrections(file);
    this.question = (why = false) => {
      const query = new URLSearchParams({ model: this.model, ...asText(this.correction), why: String(why) });
      return send(`photos?${query}`, file, file.type || "application/octet-stream");
    };
    this.ask();
  }

  takeDrawing(/** @type {Uint8Array} */ pixels) {
    const drawn = { height: SIDE, width: SIDE, pixels: btoa(String.fromCharCode(...pixels)) };
    this.question = (why = false) => post("drawings", { model: this.model, ...drawn, why });
    this.ask();
  }

  // One question at a time: what changes meanwhile is asked once the answer before it is there.
  async ask() {
    this.asked += 1;
    if (this.isAsking) return;
    this.isAsking = true;
    while (this.question) {
      const [mine, question] = [this.asked, this.question];
      this.result.classList.add("waiting");
      const told = await question().catch((error) => error);
      if (mine !== this.asked) continue;
      this.result.classList.remove("waiting");
      if (told instanceof Error) replace(this.result, notice(told));
      else this.show(told);
      break;
    }
    this.isAsking = false;
  }

  show(/** @type {any} */ told) {
    const best = told.probabilities.indexOf(Math.max(...told.probabilities));
    const title = told.words ?? (told.none_of_these ? TEXT.noneOfThese : told.class_names[best]);
    const score = told.none_of_these_score;
    const none = score === null ? null : h("p", { class: "muted small number" }, TEXT.noneScore(score));
    const caption = told.model?.endsWith("/photo") ? TEXT.seenAt28 : TEXT.seen;
    const seen = picture(fromBase64(told.image), SIDE, SIDE, caption, "seen");
    const other = told.beside;
    const beside = other ? h("p", { class: "muted" }, TEXT.beside(other.model, other.words)) : null;
    const heading = h("h2", { class: told.none_of_these ? "muted" : "" }, title);
    const answer = h(
      "div",
      { class: "try-answer" },
      h("figure", {}, seen, h("figcaption", {}, caption)),
      h("div", {}, heading, none, bars(told.class_names, told.probabilities), beside),
    );
    const warnings = (told.warnings ?? []).map((/** @type {string} */ words) =>
      h("p", { class: "notice" }, `${words[0].toUpperCase()}${words.slice(1)}.`),
    );
    this.shown.abort();
    this.shown = new AbortController();
    const { question } = this;
    const explained = question ? whyBox({ ask: () => question(true), signal: this.shown.signal }) : null;
    replace(this.result, answer, warnings, explained);
    replace(this.steps, told.steps ? [h("h2", {}, TEXT.steps), h("ol", { class: "steps" }, told.steps.map(step))] : []);
  }

  fillCorrections(/** @type {Blob} */ file) {
    this.corrections.hidden = false;
    const correct = (/** @type {object} */ change) => {
      Object.assign(this.correction, change);
      this.ask();
    };
    const mirror = h("input", { type: "checkbox", onchange: () => correct({ mirror: mirror.checked }) });
    const options = /** @type {[string, string][]} */ (Object.entries(TEXT.polarities));
    const polarity = segments(TEXT.polarity, options, "auto", (value) => correct({ polarity: value }));
    replace(
      this.corrections,
      h("h2", {}, TEXT.correct),
      h("p", { class: "muted small" }, TEXT.correctHelp),
      h("div", { class: "field" }, h("span", { class: "label" }, TEXT.polarity), polarity.root),
      h("label", { class: "check" }, mirror, TEXT.mirror),
      cropBox(file, (crop) => correct({ crop })),
    );
  }
}

const asText = (/** @type {Record<string, any>} */ values) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

const step = (/** @type {any} */ each) =>
  h(
    "li",
    {},
    h("img", { src: each.picture, alt: TEXT.stepAlt(each.name) }),
    h("h3", {}, each.name),
    h("p", { class: "muted small" }, each.reason),
  );
