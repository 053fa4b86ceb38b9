// What is shown of a sheet, as plain values: from the address and back, which pictures, which key does what.

/**
 * @typedef {object} Item a picture on a sheet
 * @property {number} image its place in the row of all images, or its number on a sheet to label
 * @property {string} edit keep, exclude, relabel CLASS, or ""
 * @property {string[]} tags
 * @property {number} given label
 * @property {string} [suggested] class's name
 * @property {string} [score]
 * @property {string} [reason]
 * @property {string} [file]
 * @property {number[]} [speaking_for]
 * @property {number[]} [speaking_against]
 *
 * @typedef {object} CurateState
 * @property {string} dataset
 * @property {string} sheet key of it; "" for the first
 * @property {string} show which of its pictures: a key of `SHOWS`, or "tag:" and a tag
 * @property {string} view one or sheet
 * @property {string} selected a selection of the wall, as `encodeSelection` writes it
 * @property {string} before a run
 * @property {string} after another
 * @property {number | null} at the picture that is looked at
 */

const DEFAULTS = { sheet: "", show: "all", view: "one", selected: "", before: "", after: "" };
export const SHOWS = ["all", "todo", "label", "duplicate", "odd", "kept", "excluded", "relabelled", "selection"];
const VIEWS = ["one", "sheet"];
export const PAGE = 60; // pictures of the sheet at once

/** @returns {CurateState} */
export function stateOf(
  /** @type {string[]} */ rest,
  /** @type {URLSearchParams} */ query,
  /** @type {string} */ dataset,
) {
  const state = { ...DEFAULTS, dataset: query.get("dataset") ?? dataset, at: null };
  for (const key of Object.keys(DEFAULTS)) state[key] = query.get(key) ?? DEFAULTS[key];
  if (state.selected && !query.has("show"))
    Object.assign(state, { show: "selection", view: query.get("view") ?? "sheet" });
  if (!SHOWS.includes(state.show) && !state.show.startsWith("tag:")) state.show = DEFAULTS.show;
  if (state.show === "selection" && !state.selected) state.show = DEFAULTS.show;
  if (!VIEWS.includes(state.view)) state.view = DEFAULTS.view;
  return /** @type {any} */ ({ ...state, at: /^\d+$/.test(rest[0] ?? "") ? Number(rest[0]) : null });
}

/** What of it is not as it is anyway. */
export function queryOf(/** @type {CurateState} */ state) {
  const plain = state.selected ? { ...DEFAULTS, show: "selection", view: "sheet" } : DEFAULTS;
  const changed = Object.keys(DEFAULTS).filter((key) => state[key] !== plain[key]);
  return { dataset: state.dataset, ...Object.fromEntries(changed.map((key) => [key, state[key]])) };
}

const VERBS = { kept: "keep", excluded: "exclude", relabelled: "relabel" };
const verb = (/** @type {Item} */ item) => item.edit.split(" ")[0];

export const isDecided = (/** @type {Item} */ item) => item.edit !== "";

/** Whether a reason of an audit's is of a kind: label, duplicate or odd. */
const isAbout = (/** @type {Item} */ item, /** @type {string} */ kind) =>
  (item.reason ?? "").split("; ").some((reason) => reason.startsWith(kind));

/**
 * The pictures that are shown, in the sheet's order.
 * @param {Item[]} items
 * @param {string} show
 * @param {number[]} chosen of a selection
 * @param {(image: number) => Item} fresh makes an item of a picture that is not on the sheet yet
 * @returns {Item[]}
 */
export function shownItems(items, show, chosen, fresh) {
  if (show === "selection") {
    const known = new Map(items.map((item) => [item.image, item]));
    return chosen.map((image) => known.get(image) ?? fresh(image));
  }
  if (show.startsWith("tag:")) return items.filter((item) => item.tags.includes(show.slice(4)));
  if (show === "todo") return items.filter((item) => !isDecided(item));
  if (show in VERBS) return items.filter((item) => verb(item) === VERBS[show]);
  return show === "all" ? items : items.filter((item) => isAbout(item, show));
}

/** Which shows there are for these pictures; those of which there are none are left out. */
export function showsFor(/** @type {Item[]} */ items, /** @type {boolean} */ hasSelection) {
  const kinds = SHOWS.filter((show) => !["all", "selection"].includes(show));
  const some = kinds.filter((show) => shownItems(items, show, [], () => items[0]).length);
  return ["all", ...(hasSelection ? ["selection"] : []), ...some];
}

/** The next picture that is undecided after one, or else the next one; the one itself where it is the last. */
export function nextOf(/** @type {Item[]} */ shown, /** @type {number} */ at) {
  const ahead = shown.findIndex((item, place) => place > at && !isDecided(item));
  if (ahead >= 0) return ahead;
  const before = shown.findIndex((item, place) => place < at && !isDecided(item));
  return before >= 0 ? before : Math.min(at + 1, shown.length - 1);
}

/** Where an arrow key leads on a sheet of so many columns, or with one picture at a time. */
export function stepOf(
  /** @type {string} */ key,
  /** @type {number} */ at,
  /** @type {number} */ count,
  /** @type {number} */ columns,
) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const next = at + (steps[key] ?? 0);
  return next < 0 || next >= count ? at : next;
}

const ACTIONS = {
  ...{ k: "keep", x: "exclude", r: "relabel", a: "accept", u: "undo", t: "tag", c: "clear", m: "markAll", v: "view" },
  ...{
    " ": "mark",
    ArrowLeft: "move",
    ArrowRight: "move",
    ArrowUp: "move",
    ArrowDown: "move",
    Home: "move",
    End: "move",
  },
};

/** What a key does; nothing with Control or Alt, which are the browser's. */
export function actionOf(/** @type {{ key: string, ctrlKey?: boolean, altKey?: boolean, metaKey?: boolean }} */ event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  return ACTIONS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? null;
}

/** Which class of a list a typed digit means: 1 is the second, as labels are counted from 0. */
export const classOf = (/** @type {string} */ key, /** @type {number} */ count) =>
  /^\d$/.test(key) && Number(key) < count ? Number(key) : null;

/** Whether all of some pictures have a tag: then it is taken off. */
export const allTagged = (/** @type {Item[]} */ items, /** @type {string} */ tag) =>
  items.length > 0 && items.every((item) => item.tags.includes(tag));
