// What is to be trained, as plain values: from the address and back, and as the server takes it.

const PLAIN = { dataset: "", recipe: "", model: "walkthrough", seed: "0", validation: "10000", edits: "" };
const SETTING = "set."; // begins a recipe's setting in the address

/**
 * @typedef {object} Knob a setting of a recipe
 * @property {string} name
 * @property {string} kind bool, int, float or str
 * @property {string} unit
 * @property {string} help
 * @property {string[]} choices
 * @property {any} default
 * @property {boolean} can_be_auto
 * @property {boolean} can_be_none
 */

/**
 * @typedef {{ dataset: string, recipe: string, model: string, seed: string, validation: string, edits: string,
 *   settings: Record<string, any> }} Order
 */

/**
 * @param {URLSearchParams} query
 * @param {string} dataset where the query names none
 * @param {Knob[]} knobs
 * @returns {Order}
 */
export function orderOf(query, dataset, knobs) {
  const known = Object.keys(PLAIN).filter((key) => query.has(key));
  const settings = knobs
    .filter((knob) => query.has(SETTING + knob.name))
    .map((knob) => [knob.name, typed(knob, query.get(SETTING + knob.name) ?? "")]);
  const named = Object.fromEntries(known.map((key) => [key, query.get(key)]));
  return { ...PLAIN, dataset, ...named, settings: Object.fromEntries(settings) };
}

/** What of an order is not as it is anyway, for the address. */
export function queryOfOrder(/** @type {Order} */ order, /** @type {string} */ dataset) {
  const query = new URLSearchParams();
  for (const [key, plain] of Object.entries({ ...PLAIN, dataset }))
    if (order[key] !== plain) query.set(key, order[key]);
  for (const [key, value] of Object.entries(order.settings)) query.set(SETTING + key, String(value ?? "none"));
  return query;
}

/** What was typed, as a number where it is one; the server says what it expected otherwise. */
export function typed(/** @type {Knob} */ knob, /** @type {string} */ text) {
  const trimmed = text.trim();
  if (knob.kind === "bool") return trimmed === "true";
  if (knob.can_be_auto && trimmed === "") return "auto";
  if (knob.can_be_none && (trimmed === "" || trimmed === "none")) return null;
  if (knob.kind === "str") return trimmed;
  return trimmed !== "" && Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
}

const whole = (/** @type {string} */ text) => (/^\d+$/.test(text.trim()) ? Number(text) : text.trim());

/** An order as the server takes it. */
export function asAsked(/** @type {Order} */ { dataset, recipe, model, seed, validation, edits, settings }) {
  const none = validation.trim() === "" || validation.trim() === "0";
  return { dataset, recipe, model, settings, edits, seed: whole(seed), validation: none ? null : whole(validation) };
}
