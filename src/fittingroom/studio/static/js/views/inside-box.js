// What a network has learned: its first weights as pictures, what they make of the open picture, layer by layer.

import { complain, h, replace, s, unique } from "../dom.js";
import { grouped } from "../format.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.inside;
const TINT = { R: ".37 .97 .9", G: ".24 .97 .38", B: ".6 .97 0" }; // violet below 0, white for 0, orange above

/**
 * A part that asks the server when it is opened first.
 * @param {object} of
 * @param {string} of.title
 * @param {string} of.waiting
 * @param {() => Promise<any>} of.ask
 * @param {(told: any) => any} of.draw
 * @param {AbortSignal} of.signal
 */
export function lazyBox({ title, waiting, ask, draw, signal }) {
  const body = h("div", { class: "lazy-body" });
  const box = h("details", { class: "why lazy" }, h("summary", {}, title), body);
  let asked = false;
  box.addEventListener("toggle", async () => {
    if (!box.open || asked) return;
    asked = true;
    replace(body, h("p", { class: "small muted", role: "status" }, waiting));
    try {
      const told = await ask();
      if (!signal.aborted) replace(body, draw(told));
    } catch (error) {
      asked = false; // opened once more, it asks once more
      if (signal.aborted) return;
      replace(body, h("p", { class: "small" }, /** @type {Error} */ (error).message));
      complain(error);
    }
  });
  return box;
}

/** @param {{ ask: () => Promise<any>, signal: AbortSignal }} of */
export const insideBox = ({ ask, signal }) =>
  lazyBox({ title: TEXT.open, waiting: TEXT.waiting, ask, draw: insideOf, signal });

function insideOf(/** @type {any} */ told) {
  const parts = [];
  if (told.kind === "units") parts.push(h("p", { class: "small" }, TEXT.units(grouped(told.count), told.layer)));
  if (told.kind === "kernels") parts.push(h("p", { class: "small" }, TEXT.kernels(grouped(told.count), told.layer)));
  if (told.sheet) parts.push(wide(TEXT.sheetOf(told.layer), sheet(told.sheet, told.size, told.overlay)));
  if (told.sentence) parts.push(h("p", { class: "small" }, told.sentence));
  if (told.units?.length) parts.push(strongest(told));
  const layers = told.layers.map((/** @type {any} */ layer) => layerOf(layer));
  parts.push(h("details", { class: "why" }, h("summary", {}, TEXT.layers(told.layers.length)), layers));
  return parts;
}

const wide = (/** @type {string} */ words, /** @type {any} */ drawn) =>
  h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": words }, drawn);

/** A sheet of weights in their two colours, and what lies over it. */
export function sheet(
  /** @type {string} */ uri,
  /** @type {number[]} */ [height, width],
  /** @type {string} */ overlay = "",
) {
  const key = unique("tint");
  return s(
    "svg",
    { class: "weights", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": TEXT.weights },
    tint(key),
    s("image", { href: uri, width, height, filter: `url(#${key})` }),
    overlay ? s("image", { href: overlay, width, height }) : null,
  );
}

function tint(/** @type {string} */ key) {
  const channel = (/** @type {[string, string]} */ [name, values]) =>
    s(`feFunc${name}`, { type: "table", tableValues: values });
  const parts = s("feComponentTransfer", {}, Object.entries(TINT).map(channel));
  return s("filter", { id: key, "color-interpolation-filters": "sRGB" }, parts);
}

function strongest(/** @type {any} */ told) {
  const name = told.class_names[told.predicted];
  const heads = [TEXT.unit, TEXT.activation, name, TEXT.mostFor, TEXT.mostAgainst];
  const signed = (/** @type {number} */ value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
  const row = (/** @type {any} */ one) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, oneOf(told, one), ` ${one.unit}`),
      h("td", {}, one.activation.toFixed(2)),
      h("td", {}, signed(one.push)),
      h("td", {}, `${told.class_names[one.most]} ${signed(one.most_push)}`),
      h("td", {}, `${told.class_names[one.least]} ${signed(one.least_push)}`),
    );
  const head = h("thead", {}, h("tr", {}, heads.map((each) => h("th", { scope: "col" }, each)))); // prettier-ignore
  const table = h("table", { class: "units-table" }, head, h("tbody", {}, told.units.map(row)));
  return wide(TEXT.strongest(name), table);
}

function oneOf(/** @type {any} */ told, /** @type {any} */ one) {
  const key = unique("tint");
  const [height, width] = told.size;
  const box = [one.corner[1], one.corner[0], told.picture[1], told.picture[0]].join(" ");
  const image = s("image", { href: told.sheet, width, height, filter: `url(#${key})` });
  const words = TEXT.weightsOf(one.unit);
  return s("svg", { class: "one-unit", viewBox: box, role: "img", "aria-label": words }, tint(key), image);
}

function layerOf(/** @type {any} */ layer) {
  const words = TEXT.layer(layer.name, layer.kind, layer.shape, grouped(layer.channels), layer.shown);
  const [height, width] = layer.size;
  const drawn = h("img", { src: layer.uri, width, height, alt: TEXT.layerAlt(layer.name) });
  return h("figure", { class: "layer" }, drawn, h("figcaption", { class: "small muted" }, words));
}
