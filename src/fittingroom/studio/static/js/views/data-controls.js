// What one can ask of the wall and the map.

import { field, h, segments, select, toast } from "../dom.js";
import { grouped } from "../format.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";
import { needsAnswers } from "./data-state.js";

const TEXT = WORDS.data;

/**
 * @param {object} now
 * @param {any[]} now.datasets that the studio has
 * @param {any[]} now.models that fit the data
 * @param {boolean} now.mayChange anything, such as beginning long work
 * @param {import("../store.js").Store | null} now.store null where the data could not be opened
 * @param {import("./data-state.js").DataState} now.state
 * @param {HTMLElement} now.status
 * @param {(key: string, value: string) => void} now.change
 * @param {(index: number) => void} now.open an image
 * @param {boolean} now.isOpen whether the filters are, on a narrow screen
 * @param {(isOpen: boolean) => void} now.toggled
 */
export function controls(now) {
  const { datasets, store, state, status, change } = now;
  const arranged = [["wall", TEXT.wall], ["map", TEXT.map]]; // prettier-ignore
  const first = h(
    "div",
    { class: "wall-first" },
    segments(TEXT.arrange, /** @type {any} */ (arranged), state.arrange, (value) => change("arrange", value)).root,
    choice(now, "dataset", TEXT.dataset, datasets.map(titled)),
    store ? modelField(now.models, state, change) : null,
  );
  if (!store) return [first];
  const filters = h(
    "div",
    { class: "wall-filters", id: "wall-filters" },
    filterFields(now, store),
    search(store.count, now.open),
  );
  first.append(toggle(filters, now), status);
  return [first, filters];
}

const titled = (/** @type {any} */ each) => [each.name, each.is_here ? each.title : TEXT.notHere(each.title)];

function choice(now, /** @type {string} */ key, /** @type {string} */ words, /** @type {any[]} */ options) {
  return field(
    words,
    select(options, String(now.state[key]), (value) => now.change(key, value)),
  );
}

function filterFields(now, /** @type {import("../store.js").Store} */ store) {
  const { state } = now;
  const isWall = state.arrange === "wall";
  const methods = Object.entries(TEXT.methods).filter(([key]) => now.mayChange || key === "pca");
  const table = (words) => Object.entries(words).filter(([key]) => state.answers || !needsAnswers(key));
  const classes = store.facts.class_names.map((name, label) => [String(label), name]);
  const splits = [["", TEXT.both], ["train", WORDS.split.train], ["test", WORDS.split.test]]; // prettier-ignore
  return [
    isWall ? choice(now, "group", TEXT.group, table(TEXT.groups)) : choice(now, "method", TEXT.layout, methods),
    isWall ? choice(now, "order", TEXT.order, table(TEXT.orders)) : null,
    choice(now, "colour", TEXT.colour, table(TEXT.colours)),
    choice(now, "label", TEXT.classes, [["", TEXT.all], ...classes]),
    choice(now, "split", TEXT.splits, splits),
    state.answers ? choice(now, "verdict", TEXT.verdicts, Object.entries(TEXT.verdict)) : null,
  ];
}

function search(/** @type {number} */ count, /** @type {(index: number) => void} */ open) {
  const index = h("input", { inputmode: "numeric", placeholder: "0", "aria-label": TEXT.goLabel, class: "index" });
  const form = h("form", { class: "search" }, field(TEXT.search, index), h("button", { class: "plain" }, TEXT.go));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = index.value.trim();
    if (/^\d+$/.test(wanted) && Number(wanted) < count) open(Number(wanted));
    else toast(`${TEXT.search}: 0 – ${grouped(count - 1)}`);
  });
  return form;
}

function toggle(/** @type {HTMLElement} */ filters, now) {
  const button = h("button", { type: "button", class: "filters-toggle", "aria-controls": filters.id });
  button.append(icon("sliders"), TEXT.filters);
  const open = (/** @type {boolean} */ isOpen) => {
    filters.classList.toggle("open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => {
    open(!filters.classList.contains("open"));
    now.toggled(filters.classList.contains("open"));
  });
  open(now.isOpen);
  return button;
}

function modelField(/** @type {any[]} */ models, state, change) {
  const control = h("select", { onchange: () => change("model", control.value) });
  control.append(h("option", { value: "" }, TEXT.noModel));
  const kinds = [["run", TEXT.runs], ["shipped", TEXT.shipped]]; // prettier-ignore
  for (const [kind, words] of kinds) {
    const some = models.filter((model) => model.kind === kind);
    const options = some.map((model) => h("option", { value: model.key }, model.title));
    if (some.length) control.append(h("optgroup", { label: words }, options));
  }
  control.value = state.model;
  return field(TEXT.model, control);
}
