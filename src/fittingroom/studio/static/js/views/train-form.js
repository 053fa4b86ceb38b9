// What is to be trained: dataset, recipe, architecture, and every knob with its help.

import { field, h, replace, select, toast } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.train;
const FIRST = ["epochs", "batch_size", "optimizer", "learning_rate"];

export function orderForm({ about, options, start }) {
  const state = {
    dataset: about.datasets[0].name,
    recipe: "",
    model: "walkthrough",
    seed: "0",
    validation: "10000",
    settings: {},
  };
  const fixed = h("div", { class: "knobs" });
  const basic = h("div", { class: "knobs" });
  const more = h("div", { class: "knobs" });
  const go = h("button", { class: "primary" }, TEXT.start);
  const form = h(
    "form",
    { class: "train-form", novalidate: true },
    fixed,
    basic,
    h("details", {}, h("summary", {}, TEXT.more(options.knobs.length - FIRST.length)), more),
    h("div", { class: "row" }, go),
  );

  const recipeOf = () => options.recipes.find((recipe) => recipe.name === state.recipe)?.settings ?? {};
  const base = (knob) => recipeOf()[knob.name] ?? (knob.name in recipeOf() ? null : knob.default);

  function fill() {
    const text = (key, words, help, extra = {}) =>
      field(
        words,
        h("input", {
          inputmode: "numeric",
          value: state[key],
          oninput: (event) => (state[key] = event.target.value),
          ...extra,
        }),
        help,
      );
    replace(
      fixed,
      field(
        TEXT.dataset,
        select(
          about.datasets.map((each) => [each.name, each.title]),
          state.dataset,
          (value) => (state.dataset = value),
        ),
      ),
      field(
        TEXT.recipe,
        select([["", TEXT.noRecipe], ...options.recipes.map((recipe) => recipe.name)], state.recipe, chooseRecipe),
        TEXT.recipeHelp,
      ),
      field(
        TEXT.model,
        select(
          options.models.map((model) => model.name),
          state.model,
          (value) => ((state.model = value), fill()),
        ),
        options.models.find((model) => model.name === state.model)?.title,
      ),
      text("validation", TEXT.validation, TEXT.validationHelp),
      text("seed", TEXT.seed, TEXT.seedHelp),
    );
    const first = FIRST.map((key) => options.knobs.find((knob) => knob.name === key)).filter(Boolean);
    replace(
      basic,
      first.map((knob) => control(knob)),
    );
    replace(
      more,
      options.knobs.filter((knob) => !FIRST.includes(knob.name)).map((knob) => control(knob)),
    );
  }

  function chooseRecipe(value) {
    state.recipe = value;
    state.settings = {};
    state.model = recipeOf().model ?? state.model;
    fill();
  }

  function control(knob) {
    const now = knob.name in state.settings ? state.settings[knob.name] : base(knob);
    const set = (value) => (state.settings[knob.name] = value);
    const words = `${readable(knob.name)}${knob.unit && knob.unit !== knob.name ? ` (${knob.unit})` : ""}`;
    if (knob.kind === "bool") {
      const box = h("input", {
        type: "checkbox",
        checked: Boolean(now),
        onchange: () => set(box.checked),
        id: `knob-${knob.name}`,
        "aria-describedby": `knob-${knob.name}-help`,
      });
      return h(
        "div",
        { class: "field" },
        h("label", { class: "check", for: box.id }, box, words),
        h("span", { class: "help", id: `knob-${knob.name}-help` }, knob.help),
      );
    }
    if (knob.choices.length) {
      return field(words, select(knob.choices, now, set), knob.help);
    }
    const input = h("input", {
      value: now ?? "",
      inputmode: knob.kind === "str" ? "text" : "decimal",
      placeholder: knob.can_be_auto ? TEXT.auto : knob.can_be_none ? TEXT.none : "",
      oninput: () => set(read(knob, input.value)),
    });
    return field(words, input, knob.help);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      await start(order(state));
    } catch (error) {
      toast(error.message);
    } finally {
      go.disabled = false;
    }
  });
  fill();
  return form;
}

const readable = (key) => (key[0].toUpperCase() + key.slice(1)).replaceAll("_", " ");

// What was typed, as a number where it is one; the server says what it expected otherwise.
function read(knob, text) {
  const trimmed = text.trim();
  if (knob.can_be_auto && trimmed === "") return "auto";
  if (knob.can_be_none && (trimmed === "" || trimmed === TEXT.none)) return null;
  if (knob.kind === "str") return trimmed;
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

const whole = (text) => (/^\d+$/.test(text.trim()) ? Number(text) : text.trim());

function order({ dataset, recipe, model, seed, validation, settings }) {
  return {
    dataset,
    recipe,
    model,
    settings,
    seed: whole(seed),
    validation: validation.trim() === "" || validation.trim() === "0" ? null : whole(validation),
  };
}
