// What is shown of a dataset, as plain values: from the address, to the address, made to fit the data that are open.

/**
 * @typedef {object} DataState
 * @property {string} dataset
 * @property {string} arrange wall or map
 * @property {string} model key of the model that was chosen, asked or not
 * @property {string} group
 * @property {string} order
 * @property {string} colour
 * @property {string} label the class that alone is shown, as a number; "" for all
 * @property {string} split
 * @property {string} verdict
 * @property {string} method of the map
 * @property {string} selected by the lasso, as `encodeSelection` writes it
 * @property {number | null} open the image that is large
 * @property {any} answers of the model, once it has been asked
 */

const DEFAULTS = {
  arrange: "wall",
  model: "",
  group: "label",
  order: "index",
  colour: "none",
  label: "",
  split: "",
  verdict: "all",
  method: "pca",
  selected: "",
};
const CHOICES = {
  arrange: ["wall", "map"],
  group: ["none", "label", "split", "predicted", "right"],
  order: ["index", "sure", "unsure", "loss"],
  colour: ["none", "label", "predicted", "right", "loss", "confidence"],
  split: ["", "train", "test"],
  verdict: ["all", "right", "wrong"],
  method: ["pca", "umap"],
};
const OF_ANSWERS = ["predicted", "right", "loss", "confidence", "sure", "unsure"];

export const needsAnswers = (/** @type {string} */ choice) => OF_ANSWERS.includes(choice);

/**
 * @param {string[]} rest of the address: the image that is open
 * @param {URLSearchParams} query
 * @param {string} dataset where the address names none
 * @returns {DataState}
 */
export function stateOf(rest, query, dataset) {
  const state = { ...DEFAULTS, dataset: query.get("dataset") ?? dataset, answers: null, open: null };
  for (const key of Object.keys(DEFAULTS)) {
    const value = query.get(key);
    if (value !== null && (CHOICES[key] ?? [value]).includes(value)) state[key] = value;
  }
  return { ...state, open: /^\d+$/.test(rest[0] ?? "") ? Number(rest[0]) : null };
}

/** What of it is not as it is anyway. */
export function queryOf(/** @type {DataState} */ state) {
  const changed = Object.keys(DEFAULTS).filter((key) => state[key] !== DEFAULTS[key]);
  return { dataset: state.dataset, ...Object.fromEntries(changed.map((key) => [key, state[key]])) };
}

/**
 * The state without what needs answers that are not there, or classes and images that these data do not have.
 * @param {DataState} state
 * @param {{ classes: number, count: number }} data
 * @returns {DataState}
 */
export function fitted(state, { classes, count }) {
  const now = { ...state };
  if (!now.answers) {
    for (const key of ["group", "order", "colour", "verdict"]) {
      if (needsAnswers(now[key]) || key === "verdict") now[key] = DEFAULTS[key];
    }
  }
  if (now.label !== "" && !(Number(now.label) < classes)) now.label = "";
  if (now.open !== null && now.open >= count) now.open = null;
  return now;
}

/** What stays of a state when other data are opened: how they are arranged, and not what was found in the others. */
export const forOtherData = (/** @type {DataState} */ state, /** @type {string} */ dataset) => ({
  ...DEFAULTS,
  ...{ arrange: state.arrange, method: state.method, colour: needsAnswers(state.colour) ? "none" : state.colour },
  ...{ dataset, answers: null, open: null },
});
