// The walk-through's grid: five rows of three, each a picture beside its ten bars; paged.

import { formatHash } from "../address.js";
import { h, replace, segments } from "../dom.js";
import { percent } from "../format.js";
import { icon } from "../icons.js";
import { bars, storePicture } from "../picture.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.look;
const PAGE = 15;

/** @typedef {import("./look.js").Item} Item */

export class Grid {
  /**
   * @param {object} of
   * @param {import("../store.js").Store} of.store
   * @param {Item[]} of.items
   * @param {string[]} of.names of the classes
   * @param {number[]} of.differing positions at which another run's answer is right and this one's wrong, or vice versa
   * @param {(query: Record<string, any>, step?: boolean) => void} of.keep in the address
   * @param {(item: Item) => any} of.explain returns what says why an item was answered so
   */
  constructor({ store, items, names, differing, keep, explain }) {
    this.explain = explain;
    this.store = store;
    this.items = items;
    this.names = names;
    this.differing = differing;
    this.keep = keep;
    this.choice = "all";
    this.cellAt = "";
    this.page = 0;
    /** @type {Item[]} */
    this.shown = items;
    this.head = h("div", { class: "look-head" });
    this.list = h("ul", { class: "pairs" });
    this.why = h("div", { class: "look-why" });
    this.root = h("div", {}, this.head, this.list, this.why);
    const choices = /** @type {[string, string][]} */ (Object.entries(TEXT.choices));
    this.choices = segments(TEXT.show, choices, "all", (key) => this.choose(key));
    this.show();
  }

  /** Show what an address holds. */
  restore(/** @type {URLSearchParams} */ query) {
    const show = query.get("show") ?? "all";
    this.choice = ["wrong", "losses", "unsure", "differ", "cell"].includes(show) ? show : "all";
    this.cellAt = query.get("cell") ?? "";
    this.filter();
    this.page = Math.min(this.pages() - 1, Math.max(0, Math.floor(Number(query.get("page") ?? 1)) - 1 || 0));
    this.show();
  }

  choose(/** @type {string} */ choice, cell = "") {
    Object.assign(this, { choice, cellAt: cell, page: 0 });
    this.filter();
    this.show();
    this.remember();
  }

  cell(/** @type {number} */ label, /** @type {number} */ guess) {
    this.choose("cell", `${label}-${guess}`);
    this.root.scrollIntoView({ block: "start" });
  }

  differ() {
    this.choose("differ");
    this.root.scrollIntoView({ block: "start" });
  }

  remember() {
    const show = this.choice === "all" ? "" : this.choice;
    this.keep({ show, cell: this.cellAt, page: this.page ? this.page + 1 : "" }, true);
  }

  filter() {
    const { items } = this;
    const [label, guess] = this.cellAt.split("-").map(Number);
    this.shown = {
      all: () => items,
      wrong: () => items.filter((item) => item.best !== item.label),
      losses: () => [...items].sort((a, b) => b.loss - a.loss),
      unsure: () => [...items].sort((a, b) => a.confidence - b.confidence),
      differ: () => this.differing.map((at) => items[at]),
      cell: () => items.filter((item) => item.label === label && item.best === guess),
    }[this.choice]();
  }

  title() {
    if (this.choice === "differ") return TEXT.differing;
    if (this.choice !== "cell") return this.choice === "all" ? TEXT.all : TEXT.choices[this.choice];
    const [label, guess] = this.cellAt.split("-").map((at) => this.names[Number(at)] ?? "");
    return TEXT.cell(label, guess);
  }

  pages() {
    return Math.max(1, Math.ceil(this.shown.length / PAGE));
  }

  turnPage(/** @type {number} */ by) {
    this.page += by;
    this.show();
    this.remember();
  }

  show() {
    const [first, last] = [this.page === 0, this.page >= this.pages() - 1];
    const words = h("span", { class: "number small", role: "status" }, TEXT.page(this.page + 1, this.pages()));
    const pager = [this.arrow(TEXT.back, "left", -1, first), words, this.arrow(TEXT.forward, "right", 1, last)];
    this.choices.press(this.choice);
    replace(this.why);
    replace(this.head, h("h2", {}, this.title()), this.choices.root, h("div", { class: "row pager" }, pager));
    const onPage = this.shown.slice(this.page * PAGE, (this.page + 1) * PAGE);
    replace(
      this.list,
      onPage.length ? onPage.map((item) => this.pair(item)) : h("li", { class: "muted" }, TEXT.noneHere),
    );
  }

  arrow(
    /** @type {string} */ words,
    /** @type {string} */ shape,
    /** @type {number} */ by,
    /** @type {boolean} */ off,
  ) {
    const act = { onclick: () => this.turnPage(by), disabled: off };
    return h("button", { type: "button", class: "icon", "aria-label": words, title: words, ...act }, icon(shape));
  }

  pair(/** @type {Item} */ item) {
    const { names, store } = this;
    const right = item.best === item.label;
    const caption = `${right ? "✓" : "✗"} ${names[item.best]} ${percent(item.confidence)} (${names[item.label]})`;
    const href = formatHash("data", [String(item.index)], { dataset: store.dataset });
    const drawn = storePicture(store, item.index, `${TEXT.image(item.index)}, ${names[item.label]}`);
    const link = h("a", { href, "aria-label": TEXT.open(item.index) }, drawn);
    const words = { "aria-label": WORDS.why.image(item.index), title: WORDS.why.image(item.index) };
    const ask = { type: "button", class: "small-button", onclick: () => this.showWhy(item), ...words };
    const figcaption = h("figcaption", { class: right ? "right" : "wrong" }, caption);
    const figure = h("figure", {}, link, figcaption, h("button", ask, WORDS.why.open));
    return h("li", { class: "pair" }, figure, bars(names, item.chances, item.label));
  }

  /** Say below the pairs why one of them was answered so. */
  showWhy(/** @type {Item} */ item) {
    const { names, why } = this;
    const heading = h(
      "h3",
      { tabindex: "-1" },
      `${TEXT.image(item.index)}: ${names[item.best]} (${names[item.label]})`,
    );
    const close = h("button", { type: "button", onclick: () => replace(why) }, WORDS.why.close);
    replace(why, h("div", { class: "row look-why-top" }, heading, close), this.explain(item));
    why.scrollIntoView({ block: "start", behavior: "smooth" });
    heading.focus({ preventScroll: true });
  }
}
