// The walk-through's grid: five rows of three, each a picture beside its ten bars; paged.

import { h, replace, segments } from "../dom.js";
import { icon } from "../icons.js";
import { bars, percent, storePicture } from "../picture.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.look;
const PAGE = 15;

export function grid({ store, items, names }) {
  const state = { shown: items, page: 0, title: TEXT.all };
  const head = h("div", { class: "look-head" });
  const list = h("ul", { class: "pairs" });
  const root = h("div", {}, head, list);
  const CHOICES = {
    all: () => items,
    wrong: () => items.filter((item) => item.best !== item.label),
    losses: () => [...items].sort((a, b) => b.loss - a.loss),
    unsure: () => [...items].sort((a, b) => a.confidence - b.confidence),
  };
  const choice = segments(TEXT.show, Object.entries(TEXT.choices), "all", (key) =>
    only(CHOICES[key](), TEXT.choices[key]),
  );

  function only(shown, title, press = null) {
    Object.assign(state, { shown, title, page: 0 });
    if (press !== null) choice.press(press);
    show();
  }

  function turnPage(by) {
    state.page += by;
    show();
  }

  function show() {
    const pages = Math.max(1, Math.ceil(state.shown.length / PAGE));
    const arrow = (words, shape, by, off) =>
      h(
        "button",
        {
          type: "button",
          class: "icon",
          "aria-label": words,
          title: words,
          disabled: off,
          onclick: () => turnPage(by),
        },
        icon(shape),
      );
    replace(
      head,
      h("h2", {}, state.title),
      choice,
      h(
        "div",
        { class: "row pager" },
        arrow(TEXT.back, "left", -1, state.page === 0),
        h("span", { class: "number small", role: "status" }, TEXT.page(state.page + 1, pages)),
        arrow(TEXT.forward, "right", 1, state.page >= pages - 1),
      ),
    );
    replace(
      list,
      state.shown.length
        ? state.shown.slice(state.page * PAGE, (state.page + 1) * PAGE).map(pair)
        : h("li", { class: "muted" }, TEXT.noneHere),
    );
  }

  function pair(item) {
    const right = item.best === item.label;
    const caption = `${right ? "✓" : "✗"} ${names[item.best]} ${percent(item.confidence)} (${names[item.label]})`;
    const link = h(
      "a",
      {
        href: `#/data/${item.index}?dataset=${encodeURIComponent(store.dataset)}`,
        "aria-label": TEXT.open(item.index),
      },
      storePicture(store, item.index, `${TEXT.image(item.index)}, ${names[item.label]}`),
    );
    return h(
      "li",
      { class: "pair" },
      h("figure", {}, link, h("figcaption", { class: right ? "right" : "wrong" }, caption)),
      bars(names, item.chances, item.label),
    );
  }

  show();
  return {
    root,
    only: (shown, title) => (only(shown, title, ""), root.scrollIntoView({ block: "start" })),
    cell(label, guess) {
      only(
        items.filter((item) => item.label === label && item.best === guess),
        TEXT.cell(names[label], names[guess]),
        "",
      );
      root.scrollIntoView({ block: "start" });
    },
  };
}
