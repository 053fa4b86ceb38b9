// The data: a wall and a map of all images, and each of them large.

import { get, name } from "../api.js";
import { complain, h, notice, replace, toast } from "../dom.js";
import { answersOf, openStore } from "../store.js";
import { Wall } from "../wall/wall.js";
import * as arrange from "../wall/arrange.js";
import { WORDS } from "../words.js";
import { answersState, askBox, waitForAnswers } from "./ask-model.js";
import { controls } from "./data-controls.js";
import { describe, groupsOf, legendOf, tintsOf, visible } from "./data-columns.js";
import { fitted, forOtherData, queryOf, stateOf } from "./data-state.js";
import { detail, selection } from "./detail.js";
import { firstStep } from "./first-step.js";
import { TOO_LONG, keepSelection, recallSelection } from "./kept-selection.js";
import { mapPositions } from "./map-positions.js";
import { noImages, wallTools } from "./wall-tools.js";

const TEXT = WORDS.data;
const STEPS = ["model", "dataset", "arrange"]; // what the browser's back button undoes

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  const view = new DataView(root, context);
  await view.openDataset();
}

class DataView {
  constructor(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
    this.context = context;
    const { datasets } = context.about;
    const first = (datasets.find((each) => each.is_here) ?? datasets[0]).name;
    this.state = stateOf(context.rest, context.query, first);
    this.status = h("span", { class: "wall-status", role: "status" }, WORDS.loading);
    this.tell = (/** @type {string} */ words) => void (this.status.textContent = words);
    this.stage = h("div", { class: "wall-stage" });
    this.panel = h("aside", { class: "wall-panel", "aria-label": TEXT.selection, hidden: true });
    this.legend = h("div", { class: "legend" });
    this.none = noImages(() => this.clearFilters());
    this.bar = h("div", { class: "wall-bar" });
    this.asking = h("div", { class: "wall-asking" });
    const top = h("div", { class: "wall-top" }, firstStep(context.about), this.bar, this.asking);
    const body = h("div", { class: "wall-body" }, this.stage, this.panel);
    replace(root, h("div", { class: "data-page" }, h("h1", { class: "hush" }, WORDS.parts.data), top, body));
    this.shown = new AbortController(); // what the panel shows
    this.isOpen = false; // the filters, on a narrow screen
    /** @type {any[]} */
    this.models = [];
    /** @type {any} */
    this.store = this.wall = null;
    /** @type {number[]} */
    this.images = [];
    this.listen();
  }

  listen() {
    const { listen, signal } = this.context;
    const recolour = () => this.store && this.paint();
    listen(window, "themechange", recolour);
    listen(matchMedia("(prefers-color-scheme: dark)"), "change", recolour);
    listen(window, "keydown", (event) => event.key === "Escape" && !this.panel.hidden && this.closePanel());
    signal.addEventListener("abort", () => this.wall?.close());
  }

  keep(step = false) {
    const { open } = this.state;
    this.context.keep(open === null ? [] : [String(open)], queryOf(this.state), step);
  }

  async openDataset() {
    const { dataset } = this.state;
    this.wall?.close();
    this.wall = this.store = null;
    replace(this.stage, h("p", { class: "lone muted", role: "status" }, WORDS.loading));
    replace(this.asking);
    this.fill();
    try {
      const [store, models] = await Promise.all([openStore(dataset), get(`models?dataset=${name(dataset)}`)]);
      if (this.context.signal.aborted || dataset !== this.state.dataset) return;
      this.models = models;
      this.begin(store);
    } catch (error) {
      if (dataset === this.state.dataset) this.fail(error);
    }
  }

  fail(/** @type {any} */ error) {
    const again = h("button", { type: "button", onclick: () => this.openDataset() }, WORDS.again);
    replace(this.stage, notice(error, again));
    this.status.textContent = "";
  }

  begin(/** @type {import("../store.js").Store} */ store) {
    this.store = store;
    this.wall = new Wall(store, {
      open: (image) => this.openImage(image),
      choose: (images) => this.choose(images),
      chooseShown: () => this.choose(this.images),
      describe: (image) => describe(store, this.state.answers, image),
      resized: () => this.place().catch(complain),
    });
    replace(this.stage, this.wall.root, wallTools(this.wall), this.legend, this.none);
    const arrived = () => this.count();
    store.listeners.add(arrived);
    this.context.signal.addEventListener("abort", () => store.listeners.delete(arrived));
    store.whole.catch(complain);
    const { open, selected, model } = this.state;
    this.draw();
    this.fill();
    if (open !== null && open < store.count) this.openImage(open, true);
    else if (selected) this.recall(selected);
    if (model) this.checkModel().catch(complain);
  }

  closePanel() {
    this.shown.abort();
    this.panel.hidden = true;
    Object.assign(this.state, { open: null, selected: "" });
    this.keep();
    this.wall.select(-1);
    this.wall.show(null);
    this.wall.canvas.focus();
  }

  // The panel is for one thing at a time; what the one before has asked for comes too late.
  showPanel() {
    this.shown.abort();
    this.shown = new AbortController();
    this.panel.hidden = false;
  }

  openImage(/** @type {number} */ index, reveal = false) {
    this.showPanel();
    this.state.open = index;
    this.keep();
    this.wall.select(index, reveal);
    const order = this.images.indexOf(index);
    detail(this.panel, {
      store: this.store,
      index,
      model: this.state.answers ? this.state.model : "",
      close: () => this.closePanel(),
      open: (other) => this.openImage(other, true),
      previous: this.images[order - 1],
      next: order >= 0 ? this.images[order + 1] : undefined,
      signal: this.shown.signal,
    });
  }

  choose(/** @type {number[]} */ chosen) {
    if (!chosen.length) return this.closePanel();
    Object.assign(this.state, { open: null, selected: keepSelection(chosen) });
    this.keep(true);
    this.showSelection(chosen);
  }

  showSelection(/** @type {number[]} */ chosen) {
    const shown = new Uint8Array(this.store.count);
    for (const index of chosen) shown[index] = 1;
    this.wall.select(-1);
    this.wall.show(shown);
    this.showPanel();
    selection(this.panel, {
      ...{ store: this.store, chosen, answers: this.state.answers, isKept: this.state.selected !== TOO_LONG },
      close: () => this.closePanel(),
      open: (index) => this.openImage(index),
    });
  }

  recall(/** @type {string} */ code) {
    const chosen = recallSelection(code, this.store.count);
    if (chosen.length) this.showSelection(chosen);
    else toast(TEXT.selectionLost);
  }

  count() {
    const share = this.store.arrived / this.store.facts.sheets;
    const shown = TEXT.shown(this.images.length, this.store.count);
    this.status.textContent = !this.images.length ? TEXT.none : share < 1 ? TEXT.arriving(share) : shown;
  }

  // What is wished for stays in the address; what of it can be shown now, without answers perhaps, is drawn.
  fit() {
    const { facts, count } = this.store;
    return fitted(this.state, { classes: facts.class_names.length, count });
  }

  draw() {
    this.images = visible(this.store, this.fit());
    this.none.hidden = this.images.length > 0;
    this.count();
    this.paint();
    this.place().catch(complain);
  }

  paint() {
    const { tints, ramps } = tintsOf(this.store, this.fit());
    this.wall.colour(tints, ramps);
    replace(this.legend, legendOf(this.store, this.fit()));
  }

  async place() {
    const [width, height] = this.wall.size();
    const mine = (this.placing = {});
    if (!width || !height) return;
    const { store, wall, images } = this;
    const state = this.fit();
    if (state.arrange === "wall") {
      return wall.arrange(arrange.wall(store.count, groupsOf(store, state, images), width, height));
    }
    const positions = await this.positions();
    this.count();
    if (this.placing === mine && wall === this.wall) wall.arrange(arrange.map(store.count, positions, images), true);
  }

  positions() {
    const { dataset, answers, model, method } = this.state;
    const source = { dataset, model: answers ? model : "", method };
    return mapPositions(this.store, source, this.tell, this.context.signal);
  }

  // Show what a model answered where it has been asked; where not, the button that asks it.
  async checkModel() {
    const { model, dataset } = this.state;
    replace(this.asking);
    if (!model) return this.answered(null);
    const question = { dataset, model };
    const isMine = () => this.state.model === model && this.state.dataset === dataset;
    const { signal } = this.context;
    const told = await answersState(question, signal);
    if (told.state === "working") await waitForAnswers(question, false, this.tell, signal);
    if (told.state === "working" || told.state === "ready") {
      const answers = await answersOf(this.store, model);
      if (isMine()) this.answered(answers);
    } else if (isMine()) {
      this.answered(null);
      this.offer(question, told.costs_look);
    }
  }

  offer(/** @type {{ dataset: string, model: string }} */ question, /** @type {boolean} */ costsLook) {
    const title = this.models.find((each) => each.key === question.model)?.title ?? question.model;
    const box = askBox({
      ...{ question, title, costsLook, count: this.store.count, signal: this.context.signal },
      mayChange: this.context.about.may_change,
      done: () => question.model === this.state.model && this.checkModel().catch(complain),
    });
    replace(this.asking, box);
  }

  answered(/** @type {any} */ answers) {
    this.state.answers = answers;
    this.draw();
    this.fill();
    this.keep();
    if (this.state.open !== null && !this.panel.hidden) this.openImage(this.state.open);
  }

  change(/** @type {string} */ key, /** @type {string} */ value) {
    if (key === "dataset") this.state = forOtherData(this.state, value);
    else this.state[key] = value;
    this.keep(STEPS.includes(key));
    if (key === "dataset") {
      this.panel.hidden = true;
      return this.openDataset();
    }
    if (!this.store) return;
    if (key === "model") return this.checkModel().catch(complain);
    if (key === "arrange" && value === "map" && this.state.colour === "none") this.state.colour = "label";
    if (key === "colour") this.paint();
    else this.draw();
    if (key === "arrange") this.fill();
  }

  clearFilters() {
    Object.assign(this.state, { label: "", split: "", verdict: "all" });
    this.keep();
    this.draw();
    this.fill();
    this.wall.canvas.focus();
  }

  fill() {
    replace(
      this.bar,
      controls({
        ...{
          datasets: this.context.about.datasets,
          models: this.models,
          store: this.store,
          state: this.store ? this.fit() : this.state,
        },
        ...{ status: this.status, isOpen: this.isOpen, mayChange: this.context.about.may_change },
        change: (key, value) => void this.change(key, value),
        open: (index) => this.openImage(index, true),
        toggled: (isOpen) => (this.isOpen = isOpen),
      }),
    );
  }
}
