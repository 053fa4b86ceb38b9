// Looking: what a run gets right and wrong, image by image.

import { formatHash } from "../address.js";
import { get, name } from "../api.js";
import { commands, complain, empty, field, h, replace, select } from "../dom.js";
import { grouped } from "../format.js";
import { openStore } from "../store.js";
import { WORDS } from "../words.js";
import { waitForAnswers } from "./ask-model.js";
import { insideBox } from "./inside-box.js";
import { Grid } from "./look-grid.js";
import { confusion, reliability } from "./look-figures.js";
import { replayBox } from "./replay-box.js";
import { whyBox } from "./why-box.js";

const TEXT = WORDS.look;

/** @typedef {import("../router.js").Context} Context */

export async function mount(/** @type {HTMLElement} */ root, /** @type {Context} */ context) {
  const body = h("div", { class: "look-body" }, h("p", { class: "muted", role: "status" }, WORDS.loading));
  const top = h("div", { class: "row look-top" });
  const header = h("header", {}, h("h1", {}, WORDS.parts.look), h("p", { class: "lede" }, TEXT.lede));
  replace(root, h("div", { class: "view" }, header, top, body));
  const runs = (await get("runs", context.signal)).filter((run) => !run.error);
  if (!runs.length) return replace(body, empty(TEXT.none, WORDS.trainOne, formatHash("train")));
  const asked = runs.find((run) => run.name === context.rest[0]);
  const wanted = asked ?? runs.find((run) => run.has_predictions) ?? runs[0];
  const rivals = runs.filter((run) => isRival(run, wanted));
  const against = context.query.get("against") ?? "";
  const other = rivals.some((run) => run.name === against) ? against : "";
  replace(top, choices(runs, rivals, wanted, other));
  const run = await get(`runs/${name(wanted.name)}`, context.signal);
  if (!run.open_as) return replace(body, missingData(run, context.about));
  if (!run.has_predictions) return replace(body, untested(run, context));
  await show(body, run, other, context);
}

const isRival = (run, wanted) =>
  run.name !== wanted.name && run.has_predictions && run.fingerprint === wanted.fingerprint;

function choices(/** @type {any[]} */ runs, /** @type {any[]} */ rivals, wanted, /** @type {string} */ other) {
  const go = (/** @type {string} */ run, against = "") => {
    location.hash = formatHash("look", [run], { against });
  };
  const names = runs.map((run) => run.name);
  const against = [["", TEXT.nobody], ...rivals.map((run) => [run.name, run.name])];
  return [
    field(
      TEXT.run,
      select(names, wanted.name, (value) => go(value)),
    ),
    rivals.length
      ? field(
          TEXT.against,
          select(/** @type {any} */ (against), other, (value) => go(wanted.name, value)),
        )
      : null,
  ];
}

function missingData(/** @type {any} */ run, /** @type {any} */ about) {
  const isKnown = about.datasets.some((each) => each.name === run.dataset);
  return h("div", { class: "notice bad" }, h("p", {}, commands((isKnown ? TEXT.getData : TEXT.noData)(run.dataset))));
}

function untested(/** @type {any} */ run, /** @type {Context} */ { signal, about, again }) {
  if (!run.has_model) return empty(TEXT.noModel, WORDS.goTo(WORDS.parts.train), formatHash("train", [run.name]));
  if (!about.may_change) return empty(TEXT.untestedOwner, "", "");
  const status = h("p", { class: "small muted", role: "status" });
  const button = h("button", { type: "button", class: "primary" }, TEXT.test);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const question = { dataset: run.open_as, model: `run/${run.name}` };
      await waitForAnswers(question, true, (words) => (status.textContent = words), signal);
      again();
    } catch (error) {
      complain(error);
      button.disabled = false;
    }
  });
  return h("div", { class: "empty" }, h("p", {}, TEXT.untested), button, status);
}

async function show(/** @type {HTMLElement} */ body, /** @type {any} */ run, /** @type {string} */ other, context) {
  const versus = other ? get(`runs/${name(run.name)}/against/${name(other)}`, context.signal) : null;
  const path = `runs/${name(run.name)}/predictions`;
  const [told, store, compared] = await Promise.all([get(path, context.signal), openStore(run.open_as), versus]);
  const names = told.class_names;
  const keep = (query, step) => context.keep([run.name], { against: other, ...query }, step);
  const explain = explainer(run, context.signal);
  const grid = new Grid({ store, items: itemsOf(told), names, differing: compared?.positions ?? [], keep, explain });
  grid.restore(context.query);
  const cells = confusion(told.confusion, names, (label, guess) => grid.cell(label, guess));
  replace(
    body,
    numbers(run, told),
    compared ? sentence(run.name, other, compared, () => grid.differ()) : null,
    h("section", { class: "look-part" }, grid.root),
    h(
      "div",
      { class: "look-figures" },
      figure(TEXT.confusion, TEXT.confusionHelp, cells),
      figure(TEXT.reliability, TEXT.reliabilityHelp, reliability(told.bins, told.calibration_error)),
    ),
    replayed(run, context.signal),
  );
}

// Why a run answers an image so, and what its network makes of it.
function explainer(/** @type {any} */ run, /** @type {AbortSignal} */ signal) {
  const question = `dataset=${name(run.open_as)}&model=${name(`run/${run.name}`)}`;
  return (/** @type {Item} */ item) => {
    const ask = (/** @type {string} */ what) => () => get(`answers/image/${item.index}/${what}?${question}`, signal);
    return [whyBox({ ask: ask("maps"), open: true, signal }), insideBox({ ask: ask("inside"), signal })];
  };
}

function replayed(/** @type {any} */ run, /** @type {AbortSignal} */ signal) {
  if (!run.snapshots) return null;
  const ask = () => get(`runs/${name(run.name)}/replay`, signal);
  return h("section", { class: "look-part" }, replayBox({ ask, count: run.snapshots, signal }));
}

const figure = (/** @type {string} */ title, /** @type {string} */ help, /** @type {Element} */ drawn) =>
  h("section", { class: "look-part" }, h("h2", {}, title), h("p", { class: "muted small" }, help), drawn);

/**
 * @typedef {{ at: number, index: number, label: number, best: number, confidence: number, chances: number[],
 *   loss: number }} Item an image and what was answered
 */

/** @returns {Item[]} */
const itemsOf = (/** @type {any} */ told) =>
  told.labels.map((/** @type {number} */ label, /** @type {number} */ at) => ({
    ...{ at, label, index: told.indices[at], best: told.predicted[at] },
    ...{ confidence: told.confidence[at], chances: told.probabilities[at], loss: told.loss[at] },
  }));

function numbers(/** @type {any} */ run, /** @type {any} */ told) {
  const interval = run.test_interval?.map((value) => value.toFixed(4)).join(" – ");
  const rows = [
    [TEXT.accuracy(WORDS.split[told.split] ?? told.split), told.accuracy.toFixed(4)],
    interval && told.split === "test" ? [TEXT.interval, interval] : null,
    [TEXT.images, grouped(told.labels.length)],
    [TEXT.mistakes, grouped(told.mistakes)],
    [TEXT.looks, run.looks],
  ];
  const shown = /** @type {any[][]} */ (rows.filter(Boolean));
  const row = (/** @type {any[]} */ [words, value]) => h("div", {}, h("dt", {}, words), h("dd", {}, value));
  return h("dl", { class: "numbers" }, shown.map(row));
}

function sentence(
  /** @type {string} */ run,
  /** @type {string} */ other,
  told,
  /** @type {() => void} */ showDiffering,
) {
  const points = (Math.abs(told.difference) * 100).toFixed(2);
  const [better, worse] = told.difference > 0 ? [other, run] : [run, other];
  const verdict = told.p >= 0.05 ? TEXT.even(other, told.p) : TEXT.better(better, worse, points, told.p);
  const words = h("p", {}, verdict, " ", TEXT.split(told.only_first, run, told.only_second, other));
  const button = h("button", { type: "button", onclick: showDiffering }, TEXT.showDiffering(told.positions.length));
  return h("div", { class: "notice" }, words, button);
}
