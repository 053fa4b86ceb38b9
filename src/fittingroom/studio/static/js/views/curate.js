// Curating: look at what is suspect and decide, by keyboard, mouse or touch; every decision is in the file at once.

import { formatHash } from "../address.js";
import { get, name, post } from "../api.js";
import { complain, h, notice, replace, toast } from "../dom.js";
import { WORDS } from "../words.js";
import { actions, choices, keyHelp, progress, suggestionOf } from "./curate-bar.js";
import { chooseClass, chooseTag } from "./curate-dialogs.js";
import { columnsOf, showGrid } from "./curate-grid.js";
import { showOne } from "./curate-one.js";
import { openSource } from "./curate-source.js";
import { actionOf, allTagged, nextOf, queryOf, shownItems, stateOf, stepOf } from "./curate-state.js";
import { nothingHere } from "./curate-start.js";
import { worthBox } from "./curate-worth.js";
import { keepSelection, recallSelection } from "./kept-selection.js";

const TEXT = WORDS.curate;
const STEPS = ["dataset", "sheet", "show", "view"]; // what the browser's back button undoes

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  await new CurateView(root, context).open();
}

class CurateView {
  constructor(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
    this.context = context;
    const { datasets } = context.about;
    this.mayChange = context.about.may_change;
    this.state = stateOf(context.rest, context.query, (datasets.find((each) => each.is_here) ?? datasets[0]).name);
    this.bar = h("div", { class: "curate-bar" });
    this.stage = h("div", { class: "curate-stage" });
    this.side = h("div", { class: "curate-side" });
    this.worth = h("div");
    const head = h("header", {}, h("h1", {}, WORDS.parts.curate), h("p", { class: "lede" }, TEXT.lede));
    const page = h("div", { class: "curate-page" }, this.stage, this.side);
    replace(root, h("div", { class: "view" }, head, this.bar, page, this.worth));
    /** @type {any} */
    this.sheet = this.source = null;
    /** @type {any[]} */
    this.sheets = [];
    /** @type {any[]} */
    this.models = [];
    /** @type {import("./curate-state.js").Item[]} */
    this.shown = [];
    this.at = 0;
    /** @type {Set<number>} */
    this.marked = new Set();
    this.isWriting = Promise.resolve(); // one decision after the other, in the order of the keys
    context.listen(window, "keydown", (event) => this.key(event));
  }

  keep(step = false) {
    const at = this.shown[this.at]?.image ?? this.state.at;
    this.context.keep(at === null ? [] : [String(at)], queryOf(this.state), step);
  }

  async open() {
    const { signal } = this.context;
    const { dataset } = this.state;
    replace(this.stage, h("p", { class: "muted", role: "status" }, WORDS.loading));
    replace(this.side);
    replace(this.worth);
    this.sheet = this.source = null;
    this.shown = [];
    this.fill();
    try {
      this.sheets = await get(`curate/sheets?dataset=${name(dataset)}`, signal);
      if (!this.sheets.some((each) => each.key === this.state.sheet)) {
        this.state.sheet = this.state.selected && !this.sheets[0].rows ? "curated" : this.sheets[0].key;
      }
      this.fill();
      const path = `curate/sheet?dataset=${name(dataset)}&sheet=${name(this.state.sheet)}`;
      const fitting = this.state.sheet.startsWith("labels/") ? "" : `?dataset=${name(dataset)}`;
      const [sheet, models] = await Promise.all([get(path, signal), get(`models${fitting}`, signal)]);
      const source = await openSource(dataset, sheet, signal);
      if (signal.aborted || dataset !== this.state.dataset || sheet.key !== this.state.sheet) return;
      Object.assign(this, { sheet, models, source });
      this.choose();
    } catch (error) {
      if (!signal.aborted) replace(this.stage, notice(error));
    }
  }

  // Which pictures are shown is settled here, so that one that is decided about does not vanish under one's eyes.
  choose() {
    const chosen = this.state.selected ? recallSelection(this.state.selected, this.source.count) : [];
    if (this.state.selected && !chosen.length) toast(WORDS.data.selectionLost);
    const fresh = (/** @type {number} */ image) => ({ image, edit: "", tags: [], given: this.source.label(image) });
    this.shown = shownItems(this.sheet.items, this.state.show, chosen, fresh);
    this.marked = new Set(this.state.show === "selection" && this.state.view === "sheet" ? chosen : []);
    this.at = Math.max(0, this.placeOf(this.state.at));
    this.draw();
    this.keep();
  }

  draw() {
    this.fill();
    const { shown, at, source, marked, models, state, mayChange } = this;
    const { signal } = this.context;
    if (!shown.length) {
      const isEmpty = !this.sheet.rows;
      replace(
        this.stage,
        isEmpty
          ? nothingHere(state, this.sheets, mayChange, signal, () => this.open())
          : h("p", { class: "empty" }, TEXT.nothing),
      );
      replace(this.side);
      return this.drawWorth();
    }
    const go = (/** @type {number} */ to) => this.go(to);
    const had = this.stage.contains(document.activeElement);
    if (state.view === "one") showOne(this.stage, { shown, at, source, dataset: state.dataset, models, go, signal });
    else showGrid(this.stage, { shown, at, source, marked, go, mark: (place) => this.mark(place) });
    const current = /** @type {HTMLElement | null} */ (this.stage.querySelector(".curate-card[tabindex='0']"));
    if (had && current) current.focus({ preventScroll: false });
    this.drawSide();
    this.drawWorth();
  }

  drawSide() {
    const targets = this.targets();
    const { isLabels } = this.source;
    const buttons = actions({
      suggested: isLabels ? undefined : suggestionOf(targets),
      ...{ isLabels, marked: this.marked.size, undo: this.sheet.undo },
      isTest: targets.every((item) => this.source.isTest(item.image)),
      act: (action) => this.act(action),
    });
    const wall = h(
      "a",
      { class: "small curate-wall", href: formatHash("data"), onclick: () => this.aim(wall) },
      TEXT.onWall,
    );
    replace(
      this.side,
      progress(this.sheet),
      this.mayChange ? h("div", { class: "curate-actions" }, buttons) : h("p", { class: "notice" }, TEXT.onlyLooks),
      keyHelp(),
      isLabels ? null : wall,
    );
  }

  // Only when it is followed: a selection that is too long for an address takes the place of the one before.
  aim(/** @type {HTMLAnchorElement} */ link) {
    const selected = keepSelection(this.shown.map((item) => item.image));
    link.href = formatHash("data", [], { dataset: this.state.dataset, selected });
  }

  drawWorth() {
    const { sheet, state, mayChange } = this;
    const change = (/** @type {string} */ key, /** @type {string} */ value) => this.change(key, value);
    const key = `${sheet.key} ${sheet.decided > 0} ${state.before} ${state.after}`;
    if (this.worth.dataset.key === key && this.worth.childElementCount) return;
    this.worth.dataset.key = key;
    replace(this.worth, worthBox({ sheet, state, mayChange, change, signal: this.context.signal }));
  }

  fill() {
    const { datasets } = this.context.about;
    const change = (/** @type {string} */ key, /** @type {string} */ value) => this.change(key, value);
    replace(this.bar, choices({ datasets, sheets: this.sheets, sheet: this.sheet, state: this.state, change }));
  }

  change(/** @type {string} */ key, /** @type {string} */ value) {
    this.state[key] = value;
    if (key === "dataset")
      Object.assign(this.state, { sheet: "", show: "all", selected: "", at: null, before: "", after: "" });
    if (key === "sheet") Object.assign(this.state, { show: this.state.selected ? "selection" : "all", at: null });
    if (key === "view") this.state.at = this.shown[this.at]?.image ?? null;
    this.context.keep([], queryOf(this.state), STEPS.includes(key));
    if (key === "dataset" || key === "sheet") return void this.open();
    if (!this.sheet) return;
    if (key === "before" || key === "after") return this.drawWorth();
    this.choose();
  }

  go(/** @type {number} */ to) {
    if (to < 0 || to >= this.shown.length) return;
    this.at = to;
    this.draw();
    this.keep();
  }

  mark(/** @type {number} */ place) {
    const { image } = this.shown[place];
    if (!this.marked.delete(image)) this.marked.add(image);
    this.draw();
  }

  placeOf(/** @type {number | null} */ image) {
    return this.shown.findIndex((item) => item.image === image);
  }

  // What a decision is about: all that is marked on a sheet, else the picture that is looked at.
  targets() {
    const marked = this.state.view === "sheet" ? this.shown.filter((item) => this.marked.has(item.image)) : [];
    return marked.length ? marked : this.shown.slice(this.at, this.at + 1);
  }

  key(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const isTyped = target.closest("input, select, textarea, dialog, summary, .segments, #bar, .curate-worth");
    const action = actionOf(event);
    if (isTyped || !action || !this.shown.length) return;
    if (event.key === " " && (this.state.view === "one" || target.closest(".curate-side, .curate-pager"))) return;
    if (!this.mayChange && !["move", "view"].includes(action)) return;
    event.preventDefault();
    if (action === "move") {
      const columns = this.state.view === "one" ? 1 : columnsOf(this.stage);
      this.go(stepOf(event.key, this.at, this.shown.length, columns));
      this.stage.querySelector(".current")?.scrollIntoView({ block: "nearest" });
    } else this.act(action);
  }

  async act(/** @type {string} */ action) {
    const targets = this.targets();
    const { suggested } = targets[0];
    if (action === "view") return this.change("view", this.state.view === "one" ? "sheet" : "one");
    if (action === "mark") return this.state.view === "sheet" ? this.mark(this.at) : undefined;
    if (action === "markAll") return this.markAll();
    if (action === "tag") {
      const tag = await chooseTag(Object.keys(this.sheet.tags));
      return tag ? this.tag(targets, tag) : undefined;
    }
    if (action === "undo") return this.sheet.undo ? this.write("undo", {}, (count) => TEXT.undone(count)) : undefined;
    const edits = { keep: "keep", exclude: "exclude", clear: "" };
    if (action in edits) return this.decide(targets, edits[action]);
    if (action === "accept") return suggested ? this.accept(targets) : undefined;
    const called = await chooseClass(this.source.names, suggested ?? this.source.names[targets[0].given]);
    return called ? this.decide(targets, `relabel ${called}`) : undefined;
  }

  markAll() {
    if (this.state.view !== "sheet") return;
    const isAll = this.marked.size === this.shown.length;
    this.marked = new Set(isAll ? [] : this.shown.map((item) => item.image));
    this.draw();
  }

  // Each of several pictures gets the class that is suggested for it.
  async accept(/** @type {import("./curate-state.js").Item[]} */ targets) {
    for (const called of new Set(targets.map((item) => item.suggested).filter(Boolean))) {
      const these = targets.filter((item) => item.suggested === called);
      await this.decide(these, `relabel ${called}`);
    }
  }

  decide(/** @type {import("./curate-state.js").Item[]} */ targets, /** @type {string} */ edit) {
    const images = targets.map((item) => item.image).filter((image) => !edit || !this.source.isTest(image));
    if (!images.length) return toast(TEXT.testStays);
    const [verb, ...rest] = edit.split(" ");
    const words = verb === "relabel" ? TEXT.edits.relabel(rest.join(" ")) : (TEXT.edits[verb] ?? TEXT.undecided);
    const moves = this.state.view === "one" && edit !== "";
    return this.write("decisions", { images, edit }, (count) => TEXT.done(count, words), moves);
  }

  tag(/** @type {import("./curate-state.js").Item[]} */ targets, /** @type {string} */ tag) {
    const on = !allTagged(targets, tag);
    const body = { images: targets.map((item) => item.image), tag, on };
    return this.write("tags", body, (count) => (on ? TEXT.tagDone : TEXT.untagDone)(count, tag));
  }

  write(
    /** @type {string} */ what,
    /** @type {object} */ body,
    /** @type {(count: number) => string} */ words,
    moves = false,
  ) {
    const where = { dataset: this.source.isLabels ? "" : this.state.dataset, sheet: this.sheet.key };
    this.isWriting = this.isWriting.then(async () => {
      try {
        const told = await post(`curate/${what}`, { ...where, ...body });
        if (this.sheet?.key !== where.sheet) return;
        this.take(told);
        if (what === "decisions") this.marked.clear(); // the next key is about the picture that is looked at
        if (moves) this.at = nextOf(this.shown, this.at);
        else if (what === "undo") this.at = Math.max(0, this.placeOf(told.changed[0].image));
        this.draw();
        this.keep();
        toast(words(told.changed.length), 2500);
      } catch (error) {
        complain(error);
      }
    });
    return this.isWriting;
  }

  take(/** @type {any} */ told) {
    const { changed, ...counts } = told;
    Object.assign(this.sheet, counts);
    const known = new Map(this.sheet.items.map((item) => [item.image, item]));
    for (const { image, edit, tags, given } of changed) {
      const item = known.get(image) ?? this.shown.find((each) => each.image === image) ?? { image };
      Object.assign(item, { edit, tags, given });
      if (!known.has(image)) this.sheet.items.push(item);
    }
  }
}
