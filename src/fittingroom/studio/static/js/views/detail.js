// Beside the wall: one image large, with pixels, label, the model's bars and its neighbours; or a handful of images.

import { get, name } from "../api.js";
import { h, notice, replace } from "../dom.js";
import { grouped } from "../format.js";
import { icon } from "../icons.js";
import { bars, fromBase64, picture, storePicture } from "../picture.js";
import { WORDS } from "../words.js";
import { formatHash } from "../address.js";
import { isRight } from "./data-columns.js";
import { keepSelection } from "./kept-selection.js";
import { whyBox } from "./why-box.js";

const TEXT = WORDS.data;
const MOST_SHOWN = 120;

/** @typedef {import("../store.js").Store} Store */

/**
 * @typedef {object} Detail
 * @property {Store} store
 * @property {number} index of the image
 * @property {string} model that has been asked, or ""
 * @property {() => void} close
 * @property {(index: number) => void} open another image
 * @property {number | undefined} previous
 * @property {number | undefined} next
 * @property {AbortSignal} signal aborted when something else is shown here
 */

export async function detail(/** @type {HTMLElement} */ panel, /** @type {Detail} */ shown) {
  const { store, index, model, signal } = shown;
  const body = h("div", { class: "panel-body" }, h("p", { class: "muted" }, WORDS.loading));
  const arrows = [arrow(shown, TEXT.previous, "left", shown.previous), arrow(shown, TEXT.next, "right", shown.next)];
  replace(panel, head(TEXT.details(grouped(index)), shown.close, arrows), body);
  try {
    const data = name(store.dataset);
    const [image, told] = await Promise.all([
      get(`datasets/${data}/images/${index}`, signal),
      get(`answers/image/${index}?dataset=${data}&model=${name(model)}`, signal),
    ]);
    replace(body, contents(shown, image, told));
  } catch (error) {
    if (!signal.aborted) replace(body, notice(error));
  }
}

function arrow(
  /** @type {Detail} */ shown,
  words,
  /** @type {string} */ shape,
  /** @type {number | undefined} */ target,
) {
  const act = { onclick: () => shown.open(/** @type {number} */ (target)), disabled: target === undefined };
  return h("button", { type: "button", class: "icon plain", "aria-label": words, title: words, ...act }, icon(shape));
}

function contents(/** @type {Detail} */ shown, /** @type {any} */ image, /** @type {any} */ told) {
  const { store, model, open, signal } = shown;
  const why = () =>
    get(`answers/image/${image.index}/maps?dataset=${name(store.dataset)}&model=${name(model)}`, signal);
  const place = TEXT.place(WORDS.split[image.split], grouped(image.position));
  return [
    large(image),
    h("p", { class: "panel-class" }, image.class, h("small", {}, place)),
    told.probabilities
      ? [h("h3", {}, TEXT.answers), bars(store.facts.class_names, told.probabilities, image.label)]
      : null,
    model ? whyBox({ ask: why, signal }) : null,
    curateLink(store, [image.index], WORDS.curate.curateOne),
    h("h3", {}, TEXT.neighbours, h("small", {}, TEXT.neighboursBy[model ? "model" : "pixels"])),
    thumbnails(store, told.neighbours, open),
  ];
}

function curateLink(/** @type {Store} */ store, /** @type {number[]} */ images, /** @type {string} */ words) {
  const href = formatHash("curate", [], { dataset: store.dataset, selected: keepSelection(images) });
  return h("p", {}, h("a", { href }, words));
}

function head(/** @type {string} */ title, /** @type {() => void} */ close, /** @type {any[]} */ between = []) {
  const words = { "aria-label": WORDS.close, title: WORDS.close };
  const closer = h("button", { type: "button", class: "icon plain", ...words, onclick: close }, icon("close"));
  return h("div", { class: "panel-head" }, h("h2", {}, title), between, closer);
}

function large(/** @type {any} */ image) {
  const [height, width] = image.shape;
  const pixels = fromBase64(image.pixels);
  const read = h("p", { class: "small muted number pixel-read" }, TEXT.pixelHint);
  const canvas = picture(pixels, height, width, `${image.class}, ${TEXT.details(image.index)}`, "large");
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const at = (/** @type {number} */ share, /** @type {number} */ count) =>
      Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    const column = at((event.clientX - box.left) / box.width, width);
    const row = at((event.clientY - box.top) / box.height, height);
    read.textContent = TEXT.pixel(row, column, pixels[row * width + column]);
  });
  return h("div", { class: "large-box" }, canvas, read);
}

function thumbnails(
  /** @type {Store} */ store,
  /** @type {number[]} */ indices,
  /** @type {(index: number) => void} */ open,
) {
  const one = (/** @type {number} */ index) => {
    const label = store.facts.class_names[store.labels[index]];
    const drawn = storePicture(store, index, `${TEXT.details(index)}, ${label}`);
    const act = { title: `${index} · ${label}`, onclick: () => open(index) };
    return h("li", {}, h("button", { type: "button", class: "thumb", ...act }, drawn, h("span", {}, label)));
  };
  return h("ul", { class: "thumbs" }, indices.map(one));
}

/**
 * @param {HTMLElement} panel
 * @param {{ store: Store, chosen: number[], answers: any, isKept: boolean, close: () => void,
 *   open: (index: number) => void }} shown isKept: whether a link brings the selection back
 */
export function selection(panel, { store, chosen, answers, isKept, close, open }) {
  const counts = new Map();
  for (const index of chosen) counts.set(store.labels[index], (counts.get(store.labels[index]) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const names = store.facts.class_names;
  const lines = ranked.map(([label, count]) =>
    h("li", {}, h("span", {}, names[label]), h("span", { class: "number" }, grouped(count))),
  );
  const right = answers ? chosen.filter((index) => isRight(store, answers, index)).length : 0;
  const body = [
    isKept ? null : h("p", { class: "notice small" }, TEXT.selectionTooLong),
    curateLink(store, chosen, WORDS.curate.chosen),
    h("ul", { class: "tally" }, lines),
    answers ? h("p", { class: "number" }, TEXT.rights(grouped(right), grouped(chosen.length - right))) : null,
    thumbnails(store, chosen.slice(0, MOST_SHOWN), open),
  ];
  replace(panel, head(TEXT.selected(chosen.length), close), h("div", { class: "panel-body" }, body));
}
