// The form for a sweep: dataset, recipe, what is varied, and how to search.

import { commands, complain, field, h, replace, select } from "../dom.js";
import { readable } from "../format.js";
import { WORDS } from "../words.js";
import { knobControl } from "./knob-control.js";
import { axisRow } from "./sweep-axis.js";
import { queryOfSweep, sweepAsked, sweepOf, usualAxis } from "./sweep-order.js";
import { recipeHelp, scored } from "./train-form.js";

const TEXT = WORDS.sweep;
/** @type {import("./train-order.js").Knob} */
const NETWORK = {
  ...{ name: "model", kind: "str", unit: "", choices: [], default: "", can_be_auto: false, can_be_none: false },
  help: WORDS.train.model,
};

/** @typedef {import("./train-order.js").Knob} Knob */

export class SweepForm {
  /**
   * @param {any} about
   * @param {{ models: any[], recipes: any[], knobs: Knob[] }} options of trainings
   * @param {{ varied: string[], cores: number, needs: Record<string, string> }} more of sweeps
   * @param {URLSearchParams} query
   * @param {{ start: (order: any) => Promise<void>, changed: (query: URLSearchParams) => void }} told
   */
  constructor(about, options, more, query, told) {
    this.datasets = about.datasets;
    this.options = options;
    this.more = more;
    this.told = told;
    this.knobs = [...options.knobs.filter((knob) => more.varied.includes(knob.name)), NETWORK];
    this.models = options.models.map((model) => model.name);
    this.first = (about.datasets.find((each) => each.is_here) ?? about.datasets[0]).name;
    this.order = sweepOf(query, this.first, this.knobs);
    this.fixed = h("div", { class: "knobs" });
    this.axes = h("div", { class: "varies" });
    this.search = h("div", { class: "knobs" });
    this.deeper = h("div", { class: "knobs" });
    this.same = h("div", { class: "knobs" });
    this.go = h("button", { class: "primary" }, TEXT.start);
    this.root = h("form", { class: "train-form", novalidate: true }, this.needs(), this.sections());
    this.root.addEventListener("submit", (event) => this.submit(event));
    this.fill();
  }

  needs() {
    const { needs } = this.more;
    if (needs.sweep) return h("p", { class: "notice" }, commands(`${TEXT.needs} ${needs.sweep}`));
    return null;
  }

  sections() {
    const adder = this.adder();
    const section = (/** @type {string} */ title, /** @type {any[]} */ ...parts) =>
      h("section", { class: "sweep-section" }, h("h2", {}, title), parts);
    const fold = (/** @type {string} */ words, /** @type {HTMLElement} */ inside) =>
      h("details", {}, h("summary", {}, words), inside);
    return [
      this.fixed,
      section(TEXT.varied, this.axes, adder),
      section(TEXT.search, this.search, fold(TEXT.searchMore, this.deeper)),
      fold(TEXT.settingsMore(this.knobs.length - 1), this.same),
      h("div", { class: "row" }, this.go),
    ];
  }

  // Another setting to vary: a list to choose from and a button, since a list alone would act at every arrow key.
  adder() {
    this.choice = h("select", {});
    const button = h("button", { type: "button" }, TEXT.addIt);
    button.addEventListener("click", () => {
      const knob = this.knobs.find((each) => each.name === this.choice?.value);
      if (!knob) return;
      const axis = usualAxis(knob);
      if (knob === NETWORK) axis.values = this.models.slice(0, 2);
      this.order.axes.push(axis);
      this.fillAxes();
      this.changed();
      const added = this.axes.lastElementChild?.querySelector("input, button");
      /** @type {HTMLElement | null | undefined} */ (added)?.focus();
    });
    return h("div", { class: "adder" }, field(TEXT.add, this.choice), button);
  }

  async submit(/** @type {Event} */ event) {
    event.preventDefault();
    this.go.disabled = true;
    try {
      await this.told.start(sweepAsked(this.order, this.knobs));
    } catch (error) {
      complain(error);
    }
    this.go.disabled = false;
    this.go.focus({ preventScroll: true });
  }

  changed() {
    this.told.changed(queryOfSweep(this.order, this.first));
  }

  set(
    /** @type {Exclude<keyof import("./sweep-order.js").SweepOrder, "settings" | "axes">} */ key,
    /** @type {string} */ value,
  ) {
    this.order[key] = value;
    this.changed();
  }

  fill() {
    replace(this.fixed, this.choices());
    this.fillAxes();
    this.fillSearch();
    replace(
      this.same,
      this.knobs.filter((knob) => knob !== NETWORK).map((knob) => this.control(knob)),
    );
  }

  recipe() {
    return this.options.recipes.find((recipe) => recipe.name === this.order.recipe);
  }

  choices() {
    const { order, options } = this;
    const datasets = this.datasets.map((each) => [
      each.name,
      each.is_here ? each.title : WORDS.data.notHere(each.title),
    ]);
    const recipes = [["", WORDS.train.noRecipe], ...options.recipes.map((recipe) => [recipe.name, scored(recipe)])];
    const model = order.model || this.recipe()?.settings.model || "walkthrough";
    const chooseRecipe = (/** @type {string} */ value) => {
      Object.assign(order, { settings: {}, model: "" });
      this.set("recipe", value);
      this.fill();
    };
    return [
      field(
        WORDS.train.dataset,
        select(/** @type {any} */ (datasets), order.dataset, (value) => this.set("dataset", value)),
      ),
      field(
        WORDS.train.recipe,
        select(/** @type {any} */ (recipes), order.recipe, chooseRecipe),
        recipeHelp(this.recipe()),
      ),
      field(
        WORDS.train.model,
        select(this.models, model, (value) => this.set("model", value)),
        options.models.find((each) => each.name === model)?.title,
      ),
    ];
  }

  fillAxes() {
    const { axes } = this.order;
    const row = (/** @type {import("./sweep-order.js").Axis} */ axis) => {
      const knob = /** @type {Knob} */ (this.knobs.find((each) => each.name === axis.name));
      const remove = () => {
        this.order.axes = this.order.axes.filter((each) => each !== axis);
        this.fillAxes();
        this.changed();
        this.choice?.focus();
      };
      return axisRow(axis, knob, this.models, () => this.changed(), remove);
    };
    replace(this.axes, axes.length ? axes.map(row) : h("p", { class: "muted" }, TEXT.nothingVaried));
    const left = this.knobs.filter((knob) => axes.every((axis) => axis.name !== knob.name));
    const named = (/** @type {Knob} */ knob) => (knob === NETWORK ? WORDS.train.model : readable(knob.name));
    this.choice?.replaceChildren(...left.map((knob) => h("option", { value: knob.name }, named(knob))));
  }

  fillSearch() {
    const { order, more } = this;
    const text = (/** @type {any} */ key, /** @type {string} */ words, /** @type {any} */ help = null) => {
      const input = h("input", { inputmode: "numeric", value: order[key], autocomplete: "off" });
      if (key === "validation" || key === "second") input.placeholder = TEXT.auto;
      input.disabled = key === "trials" && order.sampler === "grid";
      input.addEventListener("input", () => this.set(key, input.value));
      return field(words, input, help);
    };
    const choose = (/** @type {string} */ value) => (this.set("sampler", value), this.fillSearch());
    const list = (/** @type {any} */ words, /** @type {string} */ value, /** @type {(now: string) => void} */ told) =>
      select(/** @type {[string, string][]} */ (Object.entries(words)), value, told);
    const trialsHelp = order.sampler === "grid" ? TEXT.trialsOfGrid : TEXT.trialsHelp;
    const needs = more.needs.cluster;
    const workersHelp = needs ? commands(`${TEXT.needsWorkers} ${needs}`) : TEXT.workersHelp(more.cores);
    replace(this.search, [
      text("trials", TEXT.trials, trialsHelp),
      field(TEXT.sampler, list(TEXT.samplers, order.sampler, choose)),
      text("workers", TEXT.workers, workersHelp),
    ]);
    replace(this.deeper, [
      field(
        TEXT.pruner,
        list(TEXT.pruners, order.pruner, (value) => this.set("pruner", value)),
      ),
      text("finalists", TEXT.finalists, TEXT.finalistsHelp),
      text("fresh", TEXT.freshSeeds),
      text("validation", TEXT.validation, TEXT.heldOutHelp),
      text("second", TEXT.second, TEXT.heldOutHelp),
      text("seed", TEXT.seed, TEXT.seedHelp),
    ]);
  }

  control(/** @type {Knob} */ knob) {
    const { settings } = this.order;
    const ofRecipe = this.recipe()?.settings ?? {};
    const now = { [knob.name]: knob.default, ...ofRecipe, ...settings }[knob.name];
    return knobControl(knob, now, (value) => {
      settings[knob.name] = value;
      this.changed();
    });
  }
}
