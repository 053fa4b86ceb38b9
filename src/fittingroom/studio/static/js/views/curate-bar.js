// Above a sheet: which data, which sheet, which of its pictures; how far it is; and a button for each key.

import { field, h, segments, select } from "../dom.js";
import { WORDS } from "../words.js";
import { showsFor } from "./curate-state.js";

const TEXT = WORDS.curate;

/**
 * @param {object} now
 * @param {any[]} now.datasets
 * @param {any[]} now.sheets
 * @param {any} now.sheet that is open, with its items; null where it could not be
 * @param {import("./curate-state.js").CurateState} now.state
 * @param {(key: string, value: string) => void} now.change
 */
export function choices({ datasets, sheets, sheet, state, change }) {
  const titled = datasets.map((each) => [each.name, each.is_here ? each.title : WORDS.data.notHere(each.title)]);
  const named = sheets.map((each) => [each.key, sheetTitle(each)]);
  const choose = (/** @type {string} */ key, /** @type {string} */ words, /** @type {any} */ options, value) =>
    field(
      words,
      select(options, value, (chosen) => change(key, chosen)),
    );
  const views = /** @type {[string, string][]} */ (Object.entries(TEXT.views));
  return [
    choose("dataset", TEXT.dataset, titled, state.dataset),
    choose("sheet", TEXT.sheet, named, state.sheet),
    sheet?.items.length || state.selected ? choose("show", TEXT.show, showOptions(sheet, state), state.show) : null,
    segments(TEXT.view, views, state.view, (value) => change("view", value)).root,
  ];
}

const sheetTitle = (/** @type {any} */ each) =>
  each.error ? `${TEXT.sheets[each.kind](each.name)} (${TEXT.damaged})` : TEXT.sheets[each.kind](each.name);

function showOptions(/** @type {any} */ sheet, /** @type {import("./curate-state.js").CurateState} */ state) {
  const items = sheet?.items ?? [];
  const shows = showsFor(items, state.selected !== "").map((key) => [key, TEXT.shows[key]]);
  const tags = Object.entries(sheet?.tags ?? {}).map(([tag, count]) => [`tag:${tag}`, TEXT.tagged(tag, count)]);
  const known = [...shows, ...tags];
  if (!known.some(([key]) => key === state.show))
    known.push([state.show, TEXT.shows[state.show] ?? state.show.slice(4)]);
  return known;
}

/** How far a sheet is decided, and where that stands. */
export function progress(/** @type {any} */ sheet) {
  const share = h("progress", {
    value: sheet.decided,
    max: Math.max(1, sheet.rows),
    "aria-label": TEXT.progress(0, 0),
  });
  const words = TEXT.progress(sheet.decided, sheet.rows);
  share.setAttribute("aria-label", words);
  const small = `${TEXT.counts(sheet)}, ${TEXT.file(sheet.file)}`;
  return h("div", { class: "curate-progress" }, h("p", {}, words), share, h("p", { class: "small muted" }, small));
}

/**
 * A button for each thing that can be done, with its key.
 * @param {object} now
 * @param {string | undefined} now.suggested in words: the class that is suggested
 * @param {boolean} now.isLabels
 * @param {boolean} now.isTest whether all that would be decided about are test images
 * @param {number} now.marked how many pictures are marked
 * @param {number} now.undo how often can be undone
 * @param {(action: string) => void} now.act
 */
export function actions({ suggested, isLabels, isTest, marked, undo, act }) {
  const button = (
    /** @type {string} */ action,
    /** @type {string} */ key,
    /** @type {string} */ words,
    off = false,
    tone = "",
  ) => {
    const keyed = h("kbd", { "aria-hidden": "true" }, key);
    const props = { type: "button", class: tone, disabled: off, "aria-keyshortcuts": key, onclick: () => act(action) };
    return h("button", props, keyed, words);
  };
  return [
    button("keep", "K", isLabels ? TEXT.right : TEXT.keep, isTest),
    suggested ? button("accept", "A", suggested, isTest, "primary") : null,
    button("relabel", "R", isLabels ? TEXT.label : TEXT.relabel, isTest),
    button("exclude", "X", isLabels ? TEXT.none : TEXT.exclude, isTest),
    button("clear", "C", TEXT.clear, isTest),
    button("tag", "T", TEXT.tag),
    button("undo", "U", TEXT.undo, undo === 0),
    marked ? h("p", { class: "small", role: "status" }, TEXT.marked(marked)) : null,
  ];
}

export function keyHelp() {
  const lines = TEXT.keyWords.map(([key, words]) => h("li", {}, h("kbd", {}, key), " ", words));
  return h("details", { class: "curate-keys" }, h("summary", {}, TEXT.keys), h("ul", {}, lines));
}

// What the key for the suggestion does: a class's name, or that each of several gets its own.
export function suggestionOf(/** @type {import("./curate-state.js").Item[]} */ targets) {
  const names = [...new Set(targets.map((item) => item.suggested).filter(Boolean))];
  return names.length > 1 ? TEXT.acceptEach : names[0] && TEXT.accept(names[0]);
}
