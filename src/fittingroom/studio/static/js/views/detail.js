// One image large: pixels, label, the model's bars, its neighbours; and a handful chosen with the lasso.

import { get, name } from "../api.js";
import { h, replace } from "../dom.js";
import { icon } from "../icons.js";
import { bars, fromBase64, picture, storePicture } from "../picture.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;
const MOST_SHOWN = 120;

export async function detail(panel, { store, index, model, close, open, previous, next }) {
  const mountToken = (panel.dataset.mountToken = `${index}-${model}`);
  const arrow = (words, shape, target) =>
    h(
      "button",
      {
        type: "button",
        class: "icon plain",
        "aria-label": words,
        title: words,
        disabled: target === undefined,
        onclick: () => open(target),
      },
      icon(shape),
    );
  const head = h(
    "div",
    { class: "panel-head" },
    h("h2", {}, TEXT.details(index.toLocaleString("en"))),
    arrow(TEXT.previous, "left", previous),
    arrow(TEXT.next, "right", next),
    closer(close),
  );
  const body = h("div", { class: "panel-body" }, h("p", { class: "muted" }, WORDS.loading));
  replace(panel, head, body);
  try {
    const query = `dataset=${name(store.dataset)}&model=${name(model)}`;
    const [image, told] = await Promise.all([
      get(`datasets/${name(store.dataset)}/images/${index}`),
      get(`answers/image/${index}?${query}`),
    ]);
    if (panel.dataset.mountToken !== mountToken) return;
    const names = store.facts.class_names;
    replace(
      body,
      large(image),
      h(
        "p",
        { class: "panel-class" },
        image.class,
        h("small", {}, TEXT.place(WORDS.split[image.split], image.position.toLocaleString("en"))),
      ),
      told.probabilities ? [h("h3", {}, TEXT.answers), bars(names, told.probabilities, image.label)] : null,
      h("h3", {}, TEXT.neighbours, h("small", {}, TEXT.neighboursBy[model ? "model" : "pixels"])),
      thumbnails(store, told.neighbours, open),
    );
  } catch (error) {
    replace(body, h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

const closer = (close) =>
  h(
    "button",
    { type: "button", class: "icon plain", "aria-label": WORDS.close, title: WORDS.close, onclick: close },
    icon("close"),
  );

function large(image) {
  const [height, width] = image.shape;
  const pixels = fromBase64(image.pixels);
  const read = h("p", { class: "small muted number pixel-read" }, TEXT.pixelHint);
  const canvas = picture(pixels, height, width, `${image.class}, ${TEXT.details(image.index)}`, "large");
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
    const row = Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height)));
    read.textContent = TEXT.pixel(row, column, pixels[row * width + column]);
  });
  return h("div", { class: "large-box" }, canvas, read);
}

function thumbnails(store, indices, open) {
  const one = (index) => {
    const label = store.facts.class_names[store.labels[index]];
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "thumb", title: `${index} · ${label}`, onclick: () => open(index) },
        storePicture(store, index, `${TEXT.details(index)}, ${label}`),
        h("span", {}, label),
      ),
    );
  };
  return h("ul", { class: "thumbs" }, indices.map(one));
}

export function selection(panel, { store, chosen, answers, close, open }) {
  panel.dataset.mountToken = "selection";
  const counts = new Map();
  for (const index of chosen) counts.set(store.labels[index], (counts.get(store.labels[index]) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const right = answers ? chosen.filter((index) => answers.predicted[index] === store.labels[index]).length : null;
  const lines = ranked.map(([label, count]) =>
    h(
      "li",
      {},
      h("span", {}, store.facts.class_names[label]),
      h("span", { class: "number" }, count.toLocaleString("en")),
    ),
  );
  replace(
    panel,
    h("div", { class: "panel-head" }, h("h2", {}, TEXT.selected(chosen.length)), closer(close)),
    h(
      "div",
      { class: "panel-body" },
      h("ul", { class: "tally" }, lines),
      right === null
        ? null
        : h(
            "p",
            { class: "number" },
            `${TEXT.right} ${right.toLocaleString("en")}, ${TEXT.wrong.toLowerCase()} ${(chosen.length - right).toLocaleString("en")}`,
          ),
      thumbnails(store, chosen.slice(0, MOST_SHOWN), open),
    ),
  );
}
