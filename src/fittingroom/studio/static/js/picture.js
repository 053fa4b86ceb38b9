// Small pictures, and the bars beside them.

import { h } from "./dom.js";
import { percent } from "./format.js";

/** A picture as ink on whatever is behind it; the dark theme turns it over in CSS. */
export function picture(/** @type {Uint8Array} */ pixels, height, width, /** @type {string} */ label, classes = "") {
  const canvas = h("canvas", { class: `picture ${classes}`, role: "img", "aria-label": label });
  canvas.width = width;
  canvas.height = height;
  ink(canvas, pixels);
  return canvas;
}

function ink(/** @type {HTMLCanvasElement} */ canvas, /** @type {Uint8Array} */ pixels) {
  const image = new ImageData(canvas.width, canvas.height);
  for (let at = 0; at < canvas.width * canvas.height; at++) image.data[4 * at + 3] = pixels[at];
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

/** One of a store's pictures, filled in when its sheet has arrived. */
export function storePicture(/** @type {import("./store.js").Store} */ store, /** @type {number} */ index, label) {
  const { height, width, pixels } = store.levels[0];
  const cut = () => pixels.subarray(index * height * width, (index + 1) * height * width);
  const canvas = picture(cut(), height, width, label);
  if (store.arrived < store.facts.sheets) store.whole.then(() => ink(canvas, cut())).catch(() => {});
  return canvas;
}

export const fromBase64 = (/** @type {string} */ text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A bar a class: the true one green with a tick, a wrong answer red with a cross, the rest grey. */
export function bars(
  /** @type {string[]} */ names,
  /** @type {number[]} */ chances,
  /** @type {number | null} */ label = null,
) {
  const best = chances.indexOf(Math.max(...chances));
  const row = (/** @type {string} */ name, /** @type {number} */ at) => {
    const state = at === label ? "right" : at === best && label !== null ? "wrong" : at === best ? "best" : "";
    const mark = at === best && label !== null ? (at === label ? "✓ " : "✗ ") : "";
    const bar = h("span", { class: "bar-fill" });
    bar.style.width = `${Math.max(0.4, 100 * chances[at])}%`;
    const track = h("span", { class: "bar-track" }, bar);
    const value = h("span", { class: "bar-value number" }, percent(chances[at]));
    return h("li", { class: `bar-row ${state}` }, h("span", { class: "bar-name" }, mark + name), track, value);
  };
  return h("ol", { class: "bars" }, names.map(row)); // prettier-ignore
}
