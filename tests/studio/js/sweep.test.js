// Sweeps: what is to be searched, from the form to the address and the server; and what trials come to.

import assert from "node:assert/strict";
import test from "node:test";

import {
  listed,
  queryOfSweep,
  sweepAsked,
  sweepOf,
  trainQuery,
  usualAxis,
} from "../../../src/fittingroom/studio/static/js/views/sweep-order.js";
import {
  bestOf,
  curveOf,
  settingWords,
  share,
  sorted,
  withAddress,
} from "../../../src/fittingroom/studio/static/js/views/sweep-values.js";

const knob = (name, kind, more = {}) => ({
  ...{ name, kind, unit: "", help: "", choices: [], default: 0, can_be_auto: false, can_be_none: false, most: null },
  ...more,
});
const KNOBS = [
  knob("learning_rate", "float", { default: "auto", can_be_auto: true }),
  knob("batch_size", "int", { default: 128 }),
  knob("optimizer", "str", { choices: ["sgd", "adam", "rmsprop"] }),
  knob("nesterov", "bool", { default: false }),
  knob("gradient_clip", "float", { default: null, can_be_none: true }),
  knob("momentum", "float", { default: "auto", most: 1 }),
];

test("a sweep that nobody has thought about varies the learning rate by factors", () => {
  const order = sweepOf(new URLSearchParams(), "bars", KNOBS);
  assert.deepEqual(sweepAsked(order, KNOBS).space, { learning_rate: { low: 0.001, high: 0.1, log: true } });
  assert.equal(sweepAsked(order, KNOBS).trials, 40);
});

test("what was chosen comes back from the address", () => {
  const order = sweepOf(new URLSearchParams(), "bars", KNOBS);
  const [batch, optimizer, nesterov] = KNOBS.slice(1, 4).map(usualAxis);
  optimizer.values = ["sgd", "adam"];
  Object.assign(order, { trials: "12", sampler: "random", recipe: "90", workers: "2" });
  order.axes.push(batch, optimizer, nesterov);
  order.settings.gradient_clip = null;
  const again = sweepOf(new URLSearchParams(queryOfSweep(order, "bars").toString()), "bars", KNOBS);
  assert.deepEqual(sweepAsked(again, KNOBS), sweepAsked(order, KNOBS));
  assert.deepEqual(sweepAsked(again, KNOBS).space, {
    learning_rate: { low: 0.001, high: 0.1, log: true },
    batch_size: { low: 64, high: 512, step: 64 },
    optimizer: ["sgd", "adam"],
    nesterov: [true, false],
  });
});

test("a sweep from which everything was taken stays so in its address", () => {
  const order = { ...sweepOf(new URLSearchParams(), "bars", KNOBS), axes: [] };
  assert.deepEqual(sweepOf(queryOfSweep(order, "bars"), "bars", KNOBS).axes, []);
});

test("an address with a setting that there is not is read without it", () => {
  const query = new URLSearchParams("vary.nonsense=1..2&vary.batch_size=8..32..8..");
  assert.deepEqual(sweepAsked(sweepOf(query, "bars", KNOBS), KNOBS).space, {
    batch_size: { low: 8, high: 32, step: 8 },
  });
});

test("what is no number is sent as it was typed, for the server to say what it expected", () => {
  const query = new URLSearchParams("vary.batch_size=few..many....&trials=lots&seed=");
  const asked = sweepAsked(sweepOf(query, "bars", KNOBS), KNOBS);
  assert.deepEqual(asked.space, { batch_size: { low: "few", high: "many" } });
  assert.deepEqual([asked.trials, asked.seed], ["lots", ""]);
});

test("a setting that is varied is not sent as one that is the same in every trial", () => {
  const query = new URLSearchParams("set.batch_size=64&vary.batch_size=32,64&model=thin&vary.model=thin,wide");
  const network = knob("model", "str");
  const asked = sweepAsked(sweepOf(query, "bars", [...KNOBS, network]), [...KNOBS, network]);
  assert.deepEqual(asked.settings, {});
  assert.deepEqual(asked.space, { batch_size: [32, 64], model: ["thin", "wide"] });
});

test("a grid has as many trials as it has, and by factors there is no step", () => {
  const query = new URLSearchParams("sampler=grid&vary.batch_size=8..32..8..log");
  const asked = sweepAsked(sweepOf(query, "bars", KNOBS), KNOBS);
  assert.equal(asked.trials, null);
  assert.deepEqual(asked.space, { batch_size: { low: 8, high: 32, log: true } });
});

test("a usual range stays within what the setting may be", () => {
  const axis = usualAxis(knob("share", "float", { default: 0.5, most: 1 }));
  assert.deepEqual([axis.low, axis.high], ["0.125", "1"]);
});

test("a list is split at its commas", () => assert.deepEqual(listed(" 1, 2,,3 "), ["1", "2", "3"]));

test("the form for a training gets the best settings over those of all trials", () => {
  const asked = { name: "bars", recipe: "90", model: "walkthrough", settings: { epochs: 3, batch_size: 64 } };
  assert.deepEqual(trainQuery(asked, { batch_size: 32, gradient_clip: null }), {
    ...{ dataset: "bars", recipe: "90", model: "walkthrough" },
    ...{ "set.epochs": "3", "set.batch_size": "32", "set.gradient_clip": "none" },
  });
  assert.equal(trainQuery(asked, { model: "thin" }).model, "thin");
});

const trial = (number, outcome, accuracy) => ({
  ...{ trial: `trial-${number}`, outcome, val_accuracy: accuracy, epochs: 1, seconds: 1, error: null },
  settings: {},
});
const TRIALS = [
  trial(0, "done", 0.8),
  trial(1, "stopped early", 0.95),
  trial(2, "failed", null),
  trial(3, "done", 0.9),
  trial(4, "done", 0.85),
  trial(5, "under way", 0.99),
];

test("the best is of those that were trained to their end", () => {
  assert.equal(bestOf(TRIALS)?.trial, "trial-3");
  assert.equal(bestOf([]), null);
});

test("the best so far is a line of steps to the last trial", () => {
  const { done, early, best } = curveOf(TRIALS);
  assert.deepEqual(best, [[1, 0.8], [4, 0.8], [4, 0.9], [6, 0.9]]); // prettier-ignore
  assert.deepEqual(done, [[1, 0.8], [4, 0.9], [5, 0.85]]); // prettier-ignore
  assert.deepEqual(early, [[2, 0.95]]);
});

test("trials are listed with the best or the latest first, and failures last", () => {
  const names = (by) => sorted(TRIALS, by).map((row) => row.trial.slice(-1));
  assert.deepEqual(names("best"), ["3", "4", "0", "1", "5", "2"]);
  assert.deepEqual(names("latest"), ["5", "4", "3", "2", "1", "0"]);
});

test("settings are told in four digits", () =>
  assert.equal(
    settingWords({ learning_rate: 0.0123456, batch_size: 12345, clip: null }),
    "learning_rate 0.01235, batch_size 12345, clip none",
  ));

test("an address in a sentence is found, and none where there is none", () => {
  const line = "2 worker processes. Dask's dashboard: http://127.0.0.1:8787/status";
  assert.deepEqual(withAddress(line), ["2 worker processes. Dask's dashboard: ", "http://127.0.0.1:8787/status", ""]);
  assert.equal(withAddress("no address"), null);
});

test("a sweep is as far as its trials, and then as what is trained again", () => {
  const sweep = { how: "running", ended: 5, of: 10, finals: null };
  assert.equal(share(sweep), 0.3);
  assert.equal(share({ ...sweep, ended: 10, finals: { ended: 1, of: 2 } }), 0.8);
  assert.equal(share({ ...sweep, how: "done" }), 1);
});
