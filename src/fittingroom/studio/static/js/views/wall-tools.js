// The buttons over the wall: lasso, zoom, everything.

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;
const FACTOR = 1.6;

/** Where no image fits the filters: the button that takes them away. */
export function noImages(/** @type {() => void} */ clear) {
  const button = h("button", { type: "button", class: "primary", onclick: clear }, TEXT.clearFilters);
  return h("div", { class: "empty wall-none", hidden: true }, h("p", {}, TEXT.none), button);
}

export function wallTools(/** @type {import("../wall/wall.js").Wall} */ wall) {
  const button = (/** @type {string} */ name, /** @type {string} */ words, /** @type {() => void} */ action) =>
    h("button", { type: "button", class: "icon", "aria-label": words, title: words, onclick: action }, icon(name));
  const lasso = button("lasso", TEXT.lasso, () => {
    const on = lasso.getAttribute("aria-pressed") !== "true";
    lasso.setAttribute("aria-pressed", String(on));
    wall.lasso(on);
  });
  lasso.setAttribute("aria-pressed", "false");
  return h(
    "div",
    { class: "wall-tools" },
    lasso,
    button("all", WORDS.curate.selectShown, () => wall.told.chooseShown()),
    button("plus", TEXT.zoomIn, () => wall.zoom(FACTOR)),
    button("minus", TEXT.zoomOut, () => wall.zoom(1 / FACTOR)),
    button("fit", TEXT.fit, () => wall.home()),
  );
}
