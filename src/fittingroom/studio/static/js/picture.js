// Small pictures, and the bars beside them.

import { h } from "./dom.js";

// A picture as ink on whatever is behind it; the dark theme turns it over in CSS.
export function picture(pixels, height, width, label, classes = "") {
  const canvas = h("canvas", { class: `picture ${classes}`, role: "img", "aria-label": label });
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let at = 0; at < height * width; at++) image.data[4 * at + 3] = pixels[at];
  context.putImageData(image, 0, 0);
  return canvas;
}

// One of a store's pictures, filled in when its sheet has arrived.
export function storePicture(store, index, label, classes) {
  const { height, width, pixels } = store.levels[0];
  const cut = () => pixels.subarray(index * height * width, (index + 1) * height * width);
  const canvas = picture(cut(), height, width, label, classes);
  if (store.arrived < store.facts.sheets)
    store.whole.then(
      () => canvas.getContext("2d").putImageData(inked(cut(), height, width), 0, 0),
      () => {},
    );
  return canvas;
}

function inked(pixels, height, width) {
  const image = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) image.data[4 * at + 3] = pixels[at];
  return image;
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

// Ten bars: the true class green with a tick, a wrong answer red with a cross, the rest grey.
export function bars(names, chances, label = null) {
  const best = chances.indexOf(Math.max(...chances));
  const row = (name, chance, at) => {
    const state = at === label ? "right" : at === best && label !== null ? "wrong" : at === best ? "best" : "";
    const mark = at === label && at === best ? "✓ " : at === best && label !== null ? "✗ " : "";
    const bar = h("span", { class: "bar-fill" });
    bar.style.width = `${Math.max(0.4, 100 * chance)}%`;
    return h(
      "li",
      { class: `bar-row ${state}` },
      h("span", { class: "bar-name" }, mark + name),
      h("span", { class: "bar-track" }, bar),
      h("span", { class: "bar-value number" }, percent(chance)),
    );
  };
  return h(
    "ol",
    { class: "bars" },
    names.map((name, at) => row(name, chances[at], at)),
  );
}
