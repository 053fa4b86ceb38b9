// What a sweep is to search, as plain values: from the address and back, and as the server takes it.

import { typed } from "./train-order.js";

/** @typedef {import("./train-order.js").Knob} Knob */

/**
 * @typedef {object} Axis one setting that is varied
 * @property {string} name
 * @property {"range" | "list"} kind
 * @property {string} low what was typed
 * @property {string} high
 * @property {string} step empty for none
 * @property {boolean} log by factors
 * @property {string[]} values of a list
 */

/**
 * @typedef {{ dataset: string, recipe: string, model: string, trials: string, sampler: string, pruner: string,
 *   workers: string, finalists: string, fresh: string, validation: string, second: string, seed: string,
 *   settings: Record<string, any>, axes: Axis[] }} SweepOrder
 */

const PLAIN = {
  ...{ dataset: "", recipe: "", model: "", trials: "40", sampler: "tpe", pruner: "hyperband", workers: "1" },
  ...{ finalists: "5", fresh: "5", validation: "", second: "", seed: "0" },
};
const [SETTING, AXIS] = ["set.", "vary."]; // begin a setting in the address
const RANGE = ".."; // between the ends of a range there
const TIMES = 4; // a range that nobody has thought about goes from a quarter to so many times the default
/** @type {Record<string, [string, string, string, boolean]>} low, high, step, by factors */
const USUAL = {
  learning_rate: ["0.001", "0.1", "", true],
  momentum: ["0.8", "0.98", "", false],
  weight_decay: ["0.00001", "0.01", "", true],
  batch_size: ["64", "512", "64", false],
  label_smoothing: ["0", "0.3", "", false],
  epochs: ["2", "10", "1", false],
};

/** A setting as it is varied where nobody has said how. */
export function usualAxis(/** @type {Knob} */ knob) {
  const usual = USUAL[knob.name] ?? guessed(knob);
  const [low, high, step, log] = usual ?? ["", "", "", false];
  const values = knob.kind === "bool" ? ["true", "false"] : [...knob.choices];
  /** @type {Axis} */
  const axis = { name: knob.name, kind: usual ? "range" : "list", low, high, step, log, values };
  return axis;
}

/** @returns {[string, string, string, boolean] | null} */
function guessed(/** @type {Knob} */ knob) {
  if (!isNumber(knob) || knob.choices.length) return null;
  const value = typeof knob.default === "number" ? knob.default : 0;
  if (!(value > 0)) return ["0", knob.kind === "int" ? "4" : "1", "", false];
  const [low, high] = [value / TIMES, value * TIMES].map((end) => (knob.kind === "int" ? Math.ceil(end) : end));
  const most = /** @type {any} */ (knob).most;
  return [String(low), String(typeof most === "number" ? Math.min(most, high) : high), "", false];
}

export const isNumber = (/** @type {Knob} */ knob) => knob.kind === "int" || knob.kind === "float";

/**
 * @param {URLSearchParams} query
 * @param {string} dataset where the query names none
 * @param {Knob[]} knobs that can be varied
 * @returns {SweepOrder}
 */
export function sweepOf(query, dataset, knobs) {
  const known = Object.keys(PLAIN).filter((key) => query.has(key));
  const named = Object.fromEntries(known.map((key) => [key, query.get(key)]));
  const settings = knobs
    .filter((knob) => query.has(SETTING + knob.name))
    .map((knob) => [knob.name, typed(knob, query.get(SETTING + knob.name) ?? "")]);
  const found = [...query].filter(([key]) => key.startsWith(AXIS));
  const axes = found.map(([key, text]) => axisOf(knobs, key.slice(AXIS.length), text)).filter((axis) => axis !== null);
  const first = knobs.find((knob) => knob.name === "learning_rate");
  const varied = found.length || !first ? axes : [usualAxis(first)];
  return { ...PLAIN, dataset, ...named, settings: Object.fromEntries(settings), axes: varied };
}

/** @returns {Axis | null} */
function axisOf(/** @type {Knob[]} */ knobs, /** @type {string} */ name, /** @type {string} */ text) {
  const knob = knobs.find((each) => each.name === name);
  if (!knob) return null;
  const usual = usualAxis(knob);
  if (!text.includes(RANGE)) return { ...usual, kind: "list", values: listed(text) };
  const [low = "", high = "", step = "", log = ""] = text.split(RANGE);
  return { ...usual, kind: "range", low, high, step, log: log === "log" };
}

/** What of a sweep is not as it is anyway, for the address. */
export function queryOfSweep(/** @type {SweepOrder} */ order, /** @type {string} */ dataset) {
  const query = new URLSearchParams();
  for (const [key, plain] of Object.entries({ ...PLAIN, dataset }))
    if (order[key] !== plain) query.set(key, order[key]);
  for (const [key, value] of Object.entries(order.settings)) query.set(SETTING + key, String(value ?? "none"));
  for (const axis of order.axes) query.set(AXIS + axis.name, axisText(axis));
  if (!order.axes.length) query.set(`${AXIS}nothing`, "");
  return query;
}

function axisText(/** @type {Axis} */ axis) {
  if (axis.kind === "list") return axis.values.join(",");
  return [axis.low, axis.high, axis.step, axis.log ? "log" : ""].join(RANGE);
}

/** What was typed with commas between, without what is empty. */
export const listed = (/** @type {string} */ text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);

const number = (/** @type {string} */ text) =>
  text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text.trim();

const orNull = (/** @type {string} */ text) => (text.trim() === "" ? null : number(text));

/** A sweep as the server takes it. */
export function sweepAsked(/** @type {SweepOrder} */ order, /** @type {Knob[]} */ knobs) {
  const { dataset, recipe, sampler, pruner, axes, model } = order;
  const space = Object.fromEntries(axes.map((axis) => [axis.name, axisAsked(axis, knobs)]));
  const varied = new Set(axes.map((axis) => axis.name));
  const same = Object.entries(order.settings).filter(([key]) => !varied.has(key));
  return {
    ...{ dataset, recipe, sampler, pruner, space },
    settings: { ...Object.fromEntries(same), ...(model && !varied.has("model") ? { model } : {}) },
    trials: sampler === "grid" ? null : number(order.trials),
    workers: number(order.workers),
    finalists: number(order.finalists),
    fresh_seeds: number(order.fresh),
    validation: orNull(order.validation),
    second: orNull(order.second),
    seed: number(order.seed),
  };
}

function axisAsked(/** @type {Axis} */ axis, /** @type {Knob[]} */ knobs) {
  const knob = knobs.find((each) => each.name === axis.name);
  if (axis.kind === "list") return axis.values.map((value) => (knob ? typed(knob, value) : value));
  const [low, high] = [number(axis.low), number(axis.high)];
  const step = axis.log ? null : orNull(axis.step);
  return { low, high, ...(step === null ? {} : { step }), ...(axis.log ? { log: true } : {}) };
}

/** The address of the form for a training with the settings that a sweep has found. */
export function trainQuery(/** @type {any} */ asked, /** @type {Record<string, any>} */ best) {
  const { model = asked.model, ...rest } = best;
  const settings = Object.entries({ ...asked.settings, ...rest });
  const query = settings.map(([key, value]) => [SETTING + key, String(value ?? "none")]);
  return { dataset: asked.name, recipe: asked.recipe, model, ...Object.fromEntries(query) };
}
