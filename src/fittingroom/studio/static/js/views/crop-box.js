// Crop a photo by hand: drag a box over it, or type its edges.

import { h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;
const SIDES = ["left", "top", "right", "bottom"];

export function cropBox(file, done) {
  const image = h("img", { src: URL.createObjectURL(file), alt: TEXT.cropAlt, draggable: "false" });
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.addEventListener("error", () => (root.hidden = true));
  const frame = h("div", { class: "crop-frame", hidden: true });
  const area = h("div", { class: "crop-area" }, image, frame);
  const fields = SIDES.map((side, at) => {
    const input = h("input", {
      type: "number",
      min: "0",
      max: "100",
      step: "1",
      value: at < 2 ? "0" : "100",
      "aria-label": TEXT.cropSide(side),
    });
    input.addEventListener("change", () => set(fields.map((each) => Number(each.value) / 100)));
    return input;
  });
  let start = null;

  function set(box, tell = true) {
    const [left, top, right, bottom] = box.map((value) => Math.min(1, Math.max(0, value)));
    const good = right - left > 0.03 && bottom - top > 0.03;
    const whole = good && right - left > 0.99 && bottom - top > 0.99;
    frame.hidden = !good || whole;
    Object.assign(frame.style, {
      left: `${left * 100}%`,
      top: `${top * 100}%`,
      width: `${(right - left) * 100}%`,
      height: `${(bottom - top) * 100}%`,
    });
    if (!tell) return;
    if (good) fields.forEach((input, at) => (input.value = Math.round([left, top, right, bottom][at] * 100)));
    if (good) done(whole ? "" : [left, top, right, bottom].map((value) => value.toFixed(4)).join(","));
  }

  const place = (event) => {
    const box = image.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const between = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  area.addEventListener("pointerdown", (event) => (area.setPointerCapture(event.pointerId), (start = place(event))));
  area.addEventListener("pointermove", (event) => start && set(between(start, place(event)), false));
  area.addEventListener("pointerup", (event) => {
    if (start) set(between(start, place(event)));
    start = null;
  });
  const whole = h("button", { type: "button", onclick: () => set([0, 0, 1, 1]) }, TEXT.whole);
  const root = h(
    "details",
    { class: "crop" },
    h("summary", {}, TEXT.crop),
    h("p", { class: "muted small" }, TEXT.cropHelp),
    area,
    h("div", { class: "row crop-fields" }, fields, whole),
  );
  return root;
}
