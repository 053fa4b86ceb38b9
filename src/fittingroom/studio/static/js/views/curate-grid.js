// A sheet of pictures: look at many, mark some, decide about all of them with one key.

import { h, replace } from "../dom.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";
import { badge } from "./curate-one.js";
import { PAGE } from "./curate-state.js";

const TEXT = WORDS.curate;

/** @typedef {import("./curate-state.js").Item} Item */

/**
 * @param {HTMLElement} root
 * @param {object} now
 * @param {Item[]} now.shown
 * @param {number} now.at
 * @param {import("./curate-source.js").Source} now.source
 * @param {Set<number>} now.marked images
 * @param {(at: number) => void} now.go
 * @param {(at: number) => void} now.mark
 */
export function showGrid(root, now) {
  const { shown, at, go } = now;
  const page = Math.floor(at / PAGE);
  const pages = Math.ceil(shown.length / PAGE);
  const turn = (/** @type {string} */ words, /** @type {string} */ shape, /** @type {number} */ to) => {
    const act = { onclick: () => go(to * PAGE), disabled: to < 0 || to >= pages, "aria-label": words, title: words };
    return h("button", { type: "button", class: "icon plain", ...act }, icon(shape));
  };
  const place = h("span", { class: "number small muted" }, WORDS.look.page(page + 1, pages));
  const { back, forward } = WORDS.look;
  const pager = [turn(back, "left", page - 1), place, turn(forward, "right", page + 1)];
  const first = page * PAGE;
  const cards = shown.slice(first, first + PAGE).map((item, order) => card(now, item, first + order));
  const list = h("ul", { class: "curate-grid" }, cards);
  replace(root, pages > 1 ? h("div", { class: "row curate-pager" }, pager) : null, list);
}

function card(now, /** @type {Item} */ item, /** @type {number} */ place) {
  const { source, marked, at, go, mark } = now;
  const label = source.names[item.given];
  const isMarked = marked.has(item.image);
  const drawn = source.picture(item.image, `${source.place(item.image)}, ${label}`);
  const words = item.suggested ? `${label} → ${item.suggested}?` : label;
  const button = h(
    "button",
    {
      type: "button",
      class: "plain curate-card",
      tabindex: place === at ? "0" : "-1",
      "aria-pressed": String(isMarked),
    },
    drawn,
    h("span", { class: "curate-name" }, words),
    badge(item, source.isLabels),
    item.tags.map((/** @type {string} */ tag) => h("span", { class: "badge" }, tag)),
  );
  button.addEventListener("click", () => (mark(place), go(place)));
  button.title = `${source.place(item.image)} · ${TEXT.mark}`;
  return h("li", { class: place === at ? "current" : "" }, button);
}

/** How many cards stand side by side. */
export function columnsOf(/** @type {HTMLElement} */ root) {
  const list = root.querySelector(".curate-grid");
  return list ? getComputedStyle(list).gridTemplateColumns.split(" ").length : 1;
}
