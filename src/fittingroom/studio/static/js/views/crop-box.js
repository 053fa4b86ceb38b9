// Crop a photo by hand: drag a box over it, or type its edges.

import { h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;
const SIDES = ["left", "top", "right", "bottom"];
const LEAST = 0.03; // of the photo's side
const WHOLE = [0, 0, 1, 1];

/** @typedef {[number, number]} Point */

/**
 * @param {Blob} file of the photo
 * @param {(box: string) => void} done with "left,top,right,bottom" as shares, "" for the whole photo
 */
export function cropBox(file, done) {
  const image = h("img", { src: URL.createObjectURL(file), alt: TEXT.cropAlt, draggable: "false" });
  const frame = h("div", { class: "crop-frame", hidden: true });
  const area = h("div", { class: "crop-area" }, image, frame);
  const fields = SIDES.map((side, at) => {
    const bounds = { type: "number", min: "0", max: "100", step: "1", value: at < 2 ? "0" : "100" };
    return h("input", { ...bounds, "aria-label": TEXT.cropSide(side) });
  });
  const set = (/** @type {number[]} */ box) => {
    const edges = clamped(box);
    if (!mark(frame, edges)) return;
    fields.forEach((input, at) => (input.value = String(Math.round(edges[at] * 100))));
    done(isWhole(edges) ? "" : edges.map((value) => value.toFixed(4)).join(","));
  };
  for (const input of fields) {
    input.addEventListener("change", () => set(fields.map((each) => Number(each.value) / 100)));
  }
  drag(area, image, (box, isOver) => (isOver ? set(box) : mark(frame, clamped(box))));
  const whole = h("button", { type: "button", onclick: () => set(WHOLE) }, TEXT.whole);
  const help = h("p", { class: "muted small" }, TEXT.cropHelp);
  const row = h("div", { class: "row crop-fields" }, fields, whole);
  const root = h("details", { class: "crop" }, h("summary", {}, TEXT.crop), help, area, row);
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.addEventListener("error", () => (root.hidden = true));
  return root;
}

const clamped = (/** @type {number[]} */ box) => box.map((value) => Math.min(1, Math.max(0, value)));

const isWhole = (/** @type {number[]} */ [left, top, right, bottom]) => right - left > 0.99 && bottom - top > 0.99;

// Draw the frame; say whether it is large enough to be meant.
function mark(/** @type {HTMLElement} */ frame, /** @type {number[]} */ box) {
  const [left, top, right, bottom] = box;
  const isMeant = right - left > LEAST && bottom - top > LEAST;
  frame.hidden = !isMeant || isWhole(box);
  const size = { width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` };
  Object.assign(frame.style, { left: `${left * 100}%`, top: `${top * 100}%`, ...size });
  return isMeant;
}

function drag(/** @type {HTMLElement} */ area, /** @type {HTMLElement} */ image, moved) {
  /** @type {Point | null} */
  let start = null;
  /** @returns {Point} */
  const place = (/** @type {PointerEvent} */ event) => {
    const box = image.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    start = place(event);
  });
  area.addEventListener("pointermove", (event) => start && moved(between(start, place(event)), false));
  area.addEventListener("pointerup", (event) => {
    if (start) moved(between(start, place(event)), true);
    start = null;
  });
}

const between = (/** @type {Point} */ a, /** @type {Point} */ b) => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.max(a[0], b[0]),
  Math.max(a[1], b[1]),
];
