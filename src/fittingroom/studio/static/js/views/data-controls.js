// What one can ask of the wall and the map.

import { field, h, segments, select } from "../dom.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";

const T = WORDS.data;

export function controls({ about, models, store, state, status, change, jump }) {
  const pick = (key, words, options) => field(words, select(options, String(state[key]), (value) => change(key, value)));
  const table = (words, allowed = () => true) => Object.entries(words).filter(([key]) => allowed(key));
  const asked = Boolean(state.answers);
  const needsAnswers = (key) => asked || !["predicted", "right", "loss", "confidence", "sure", "unsure"].includes(key);
  const names = store.facts.class_names;
  const isWall = state.arrange === "wall";
  const index = h("input", { inputmode: "numeric", placeholder: "0", "aria-label": T.goLabel, class: "index" });
  const search = h("form", { class: "search" }, field(T.search, index), h("button", { class: "plain" }, T.go));
  search.addEventListener("submit", (event) => (event.preventDefault(), jump(index.value)));
  const filters = h("div", { class: "wall-filters" },
    isWall ? pick("group", T.group, table(T.groups, needsAnswers)) : pick("method", T.layout, table(T.methods)),
    isWall ? pick("order", T.order, table(T.orders, needsAnswers)) : null,
    pick("colour", T.colour, table(T.colours, needsAnswers)),
    pick("label", T.classes, [["", T.all], ...names.map((name, label) => [String(label), name])]),
    pick("split", T.splits, [["", T.both], ["train", WORDS.split.train], ["test", WORDS.split.test]]),
    asked ? pick("verdict", T.verdicts, table(T.verdict)) : null,
    search);
  const toggle = h("button", { type: "button", class: "filters-toggle", "aria-expanded": "false" }, icon("sliders"), T.filters);
  toggle.addEventListener("click", () => {
    const open = filters.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  });
  return [
    h("div", { class: "wall-first" },
      segments(T.arrange, [["wall", T.wall], ["map", T.map]], state.arrange, (value) => change("arrange", value)),
      pick("dataset", T.dataset, about.datasets.map((each) => [each.name, each.title])),
      modelField(models, state, change),
      toggle,
      status),
    filters,
  ];
}

function modelField(models, state, change) {
  const control = h("select", { onchange: () => change("model", control.value) }, h("option", { value: "" }, T.noModel));
  for (const [kind, words] of [["run", T.runs], ["shipped", T.shipped]]) {
    const some = models.filter((model) => model.kind === kind && model.dataset === state.dataset);
    if (some.length) control.append(h("optgroup", { label: words }, some.map((model) => h("option", { value: model.key }, model.title))));
  }
  control.value = state.model;
  return field(T.model, control);
}
