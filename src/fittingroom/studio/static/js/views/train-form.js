// The form for a training: dataset, recipe, architecture, and every setting with its help.

import { get, name } from "../api.js";
import { complain, field, h, replace, select } from "../dom.js";
import { duration, grouped, percent } from "../format.js";
import { WORDS } from "../words.js";
import { knobControl } from "./knob-control.js";
import { asAsked, orderOf, queryOfOrder } from "./train-order.js";

const TEXT = WORDS.train;
const FIRST = ["epochs", "batch_size", "optimizer", "learning_rate"]; // settings that are seen at once

/** @typedef {import("./train-order.js").Knob} Knob */

export class OrderForm {
  /**
   * @param {any} about
   * @param {{ models: any[], recipes: any[], knobs: Knob[] }} options
   * @param {URLSearchParams} query
   * @param {{ start: (order: any) => Promise<void>, preview: (order: any) => Promise<any>,
   *   changed: (query: URLSearchParams) => void }} told
   */
  constructor(about, options, query, told) {
    this.datasets = about.datasets;
    this.options = options;
    this.told = told;
    this.first = (about.datasets.find((each) => each.is_here) ?? about.datasets[0]).name;
    this.order = orderOf(query, this.first, options.knobs);
    this.fixed = h("div", { class: "knobs" });
    this.edited = h("div", { class: "train-edits" }); // filled by itself: whoever types beside it is not disturbed
    this.basic = h("div", { class: "knobs pairs-of-knobs" });
    this.more = h("div", { class: "knobs" });
    this.go = h("button", { class: "primary" }, TEXT.start);
    const words = h("summary", {}, TEXT.more(options.knobs.length - FIRST.length));
    const rest = h("details", {}, words, this.more);
    this.look = h("button", { type: "button", onclick: () => this.showBatch() }, TEXT.preview);
    this.batch = h("div", { class: "train-batch", role: "status" });
    const row = h("div", { class: "row" }, this.go, this.look);
    this.root = h("form", { class: "train-form", novalidate: true }, this.fixed, this.basic, rest, row, this.batch);
    this.root.addEventListener("submit", (event) => this.submit(event));
    /** @type {any[]} */
    this.sheets = []; // with decisions about the data
    this.fill();
    this.loadSheets();
  }

  async loadSheets() {
    const { dataset } = this.order;
    const sheets = await get(`curate/sheets?dataset=${name(dataset)}`).catch(() => []); // of data that are not here
    if (dataset !== this.order.dataset) return;
    this.sheets = sheets.filter(
      (sheet) => sheet.kind !== "labels" && (sheet.decided || sheet.key === this.order.edits),
    );
    replace(this.edited, this.edits());
  }

  chooseDataset(/** @type {string} */ value) {
    Object.assign(this.order, { edits: "" });
    this.sheets = [];
    this.set("dataset", value);
    this.fill();
    this.loadSheets();
  }

  edits() {
    const { edits } = this.order;
    const options = [["", TEXT.noEdits], ...this.sheets.map((sheet) => [sheet.key, sheetWords(sheet)])];
    if (edits && !this.sheets.some((sheet) => sheet.key === edits)) options.push([edits, edits]);
    if (options.length === 1) return null;
    return field(
      TEXT.edits,
      select(/** @type {any} */ (options), edits, (value) => this.set("edits", value)),
      TEXT.editsHelp,
    );
  }

  async submit(/** @type {Event} */ event) {
    event.preventDefault();
    this.go.disabled = true;
    try {
      await this.told.start(asAsked(this.order));
    } catch (error) {
      complain(error);
    }
    this.go.disabled = false;
    this.go.focus({ preventScroll: true });
  }

  async showBatch() {
    this.look.disabled = true;
    replace(this.batch, h("p", { class: "muted" }, WORDS.loading));
    try {
      const { picture, images, epochs } = await this.told.preview(asAsked(this.order));
      const words = TEXT.previewed(images, epochs);
      replace(this.batch, h("figure", {}, h("img", { src: picture, alt: words }), h("figcaption", {}, words)));
    } catch (error) {
      replace(this.batch, []);
      complain(error);
    }
    this.look.disabled = false;
    this.look.focus({ preventScroll: true });
  }

  recipe() {
    return this.options.recipes.find((recipe) => recipe.name === this.order.recipe);
  }

  set(
    /** @type {"dataset" | "recipe" | "model" | "seed" | "validation" | "edits"} */ key,
    /** @type {string} */ value,
  ) {
    this.order[key] = value;
    this.told.changed(queryOfOrder(this.order, this.first));
  }

  fill() {
    const { knobs } = this.options;
    replace(this.edited, this.edits());
    replace(this.fixed, this.choices());
    const first = FIRST.map((key) => knobs.find((knob) => knob.name === key)).filter(Boolean);
    replace(
      this.basic,
      first.map((knob) => this.control(/** @type {Knob} */ (knob))),
    );
    replace(
      this.more,
      knobs.filter((knob) => !FIRST.includes(knob.name)).map((knob) => this.control(knob)),
    );
  }

  choices() {
    const { order, options } = this;
    const datasets = this.datasets.map((each) => [
      each.name,
      each.is_here ? each.title : WORDS.data.notHere(each.title),
    ]);
    const recipes = [["", TEXT.noRecipe], ...options.recipes.map((recipe) => [recipe.name, scored(recipe)])];
    const models = options.models.map((model) => model.name);
    const architecture = options.models.find((model) => model.name === order.model)?.title;
    const text = (
      /** @type {"seed" | "validation"} */ key,
      /** @type {string} */ words,
      /** @type {string} */ help,
    ) => {
      const input = h("input", { inputmode: "numeric", value: order[key] });
      input.addEventListener("input", () => this.set(key, input.value));
      return field(words, input, help);
    };
    const chooseModel = (/** @type {string} */ value) => (this.set("model", value), this.fill());
    return [
      field(
        TEXT.dataset,
        select(/** @type {any} */ (datasets), order.dataset, (value) => this.chooseDataset(value)),
      ),
      this.edited,
      field(
        TEXT.recipe,
        select(/** @type {any} */ (recipes), order.recipe, (value) => this.chooseRecipe(value)),
        recipeHelp(this.recipe()),
      ),
      field(TEXT.model, select(models, order.model, chooseModel), architecture),
      text("validation", TEXT.validation, TEXT.validationHelp),
      text("seed", TEXT.seed, TEXT.seedHelp),
    ];
  }

  chooseRecipe(/** @type {string} */ value) {
    this.order.settings = {};
    this.order.recipe = value;
    this.order.model = this.recipe()?.settings.model ?? this.order.model;
    this.set("recipe", value);
    this.fill();
  }

  value(/** @type {Knob} */ knob) {
    const { settings } = this.order;
    const ofRecipe = this.recipe()?.settings ?? {};
    if (knob.name in settings) return settings[knob.name];
    return knob.name in ofRecipe ? ofRecipe[knob.name] : knob.default;
  }

  setting(/** @type {Knob} */ knob, /** @type {any} */ value) {
    this.order.settings[knob.name] = value;
    this.told.changed(queryOfOrder(this.order, this.first));
  }

  control(/** @type {Knob} */ knob) {
    return knobControl(knob, this.value(knob), (value) => this.setting(knob, value));
  }
}

const sheetWords = (/** @type {any} */ sheet) =>
  `${WORDS.curate.sheets[sheet.kind](sheet.name)}: ${WORDS.curate.counts(sheet)}`;

// A recipe with what it reached and what that took, where it has been measured.
export function scored(/** @type {any} */ recipe) {
  const parts = [recipe.name];
  if (typeof recipe.mean === "number") parts.push(percent(recipe.mean, 1));
  if (typeof recipe.seconds === "number") parts.push(duration(recipe.seconds));
  return parts.join(" · ");
}

export function recipeHelp(/** @type {any} */ recipe) {
  if (!recipe || typeof recipe.mean !== "number") return TEXT.recipeHelp;
  const time = typeof recipe.seconds === "number" ? duration(recipe.seconds) : null;
  return `${TEXT.recipeScore(percent(recipe.mean, 2), grouped(recipe.n), time)} ${TEXT.recipeHelp}`;
}
