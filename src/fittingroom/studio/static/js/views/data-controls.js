// What one can ask of the wall and the map.

import { field, h, segments, select } from "../dom.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;

export function controls({ about, models, store, state, status, change, jump }) {
  const pick = (key, words, options) =>
    field(
      words,
      select(options, String(state[key]), (value) => change(key, value)),
    );
  const table = (words, allowed = () => true) => Object.entries(words).filter(([key]) => allowed(key));
  const asked = Boolean(state.answers);
  const needsAnswers = (key) => asked || !["predicted", "right", "loss", "confidence", "sure", "unsure"].includes(key);
  const names = store.facts.class_names;
  const isWall = state.arrange === "wall";
  const index = h("input", { inputmode: "numeric", placeholder: "0", "aria-label": TEXT.goLabel, class: "index" });
  const search = h("form", { class: "search" }, field(TEXT.search, index), h("button", { class: "plain" }, TEXT.go));
  search.addEventListener("submit", (event) => (event.preventDefault(), jump(index.value)));
  const filters = h(
    "div",
    { class: "wall-filters" },
    isWall
      ? pick("group", TEXT.group, table(TEXT.groups, needsAnswers))
      : pick("method", TEXT.layout, table(TEXT.methods)),
    isWall ? pick("order", TEXT.order, table(TEXT.orders, needsAnswers)) : null,
    pick("colour", TEXT.colour, table(TEXT.colours, needsAnswers)),
    pick("label", TEXT.classes, [["", TEXT.all], ...names.map((name, label) => [String(label), name])]),
    pick("split", TEXT.splits, [
      ["", TEXT.both],
      ["train", WORDS.split.train],
      ["test", WORDS.split.test],
    ]),
    asked ? pick("verdict", TEXT.verdicts, table(TEXT.verdict)) : null,
    search,
  );
  const toggle = h(
    "button",
    { type: "button", class: "filters-toggle", "aria-expanded": "false" },
    icon("sliders"),
    TEXT.filters,
  );
  toggle.addEventListener("click", () => {
    const open = filters.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
  });
  return [
    h(
      "div",
      { class: "wall-first" },
      segments(
        TEXT.arrange,
        [
          ["wall", TEXT.wall],
          ["map", TEXT.map],
        ],
        state.arrange,
        (value) => change("arrange", value),
      ),
      pick(
        "dataset",
        TEXT.dataset,
        about.datasets.map((each) => [each.name, each.title]),
      ),
      modelField(models, state, change),
      toggle,
      status,
    ),
    filters,
  ];
}

function modelField(models, state, change) {
  const control = h(
    "select",
    { onchange: () => change("model", control.value) },
    h("option", { value: "" }, TEXT.noModel),
  );
  for (const [kind, words] of [
    ["run", TEXT.runs],
    ["shipped", TEXT.shipped],
  ]) {
    const some = models.filter((model) => model.kind === kind && model.dataset === state.dataset);
    if (some.length)
      control.append(
        h(
          "optgroup",
          { label: words },
          some.map((model) => h("option", { value: model.key }, model.title)),
        ),
      );
  }
  control.value = state.model;
  return field(TEXT.model, control);
}
