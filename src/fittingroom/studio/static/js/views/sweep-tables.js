// A sweep's two tables: what is under way, with who is at it, and the trials.

import { h } from "../dom.js";
import { duration } from "../format.js";
import { WORDS } from "../words.js";
import { settingWords, sorted } from "./sweep-values.js";

const TEXT = WORDS.sweep;
const SHOWN = 100; // trials that are listed

/** @param {{ key: string, worker: string, words: string }[]} jobs */
export function jobTable(jobs) {
  const [training, worker, far] = TEXT.jobColumns;
  const head = h("tr", {}, column(training), column(worker, "on-narrow"), column(far));
  const row = (/** @type {{ key: string, worker: string, words: string }} */ job) => {
    const who = job.worker || TEXT.here;
    const below = h("small", { class: "narrow" }, who);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, job.key, below),
      h("td", { class: "on-narrow" }, who),
      h("td", { class: "number far" }, job.words || "…"),
    );
  };
  return h("table", { class: "sweep-table" }, h("thead", {}, head), h("tbody", {}, jobs.map(row))); // prettier-ignore
}

const column = (/** @type {string} */ words, /** @type {string} */ kind = "") =>
  h("th", { scope: "col", class: kind }, words);

/**
 * @param {import("./sweep-values.js").Trial[]} trials
 * @param {string} order "best" or "latest" first
 * @param {string} best the name of the best so far
 */
export function trialTable(trials, order, best) {
  if (!trials.length) return [];
  const { columns } = TEXT;
  const head = [
    column(columns.trial),
    column(columns.accuracy, "n"),
    column(columns.outcome),
    column(columns.epochs, "n on-narrow"),
    column(columns.seconds, "n on-narrow"),
  ];
  const rows = sorted(trials, order).slice(0, SHOWN);
  const body = h("tbody", {}, rows.map((row) => line(row, row.trial === best))); // prettier-ignore
  const table = h("table", { class: "sweep-table" }, h("thead", {}, h("tr", {}, head)), body);
  const more = trials.length > SHOWN ? h("p", { class: "small muted" }, TEXT.shown(SHOWN, trials.length)) : null;
  return [h("div", { class: "scroll" }, table), more];
}

function line(/** @type {import("./sweep-values.js").Trial} */ row, /** @type {boolean} */ isBest) {
  const outcome = isBest ? TEXT.isBest : row.outcome;
  return h(
    "tr",
    { class: isBest ? "best" : "" },
    h("th", { scope: "row" }, row.trial, h("small", {}, settingWords(row.settings))),
    h("td", { class: "n" }, row.val_accuracy === null ? "–" : row.val_accuracy.toFixed(4)),
    h("td", {}, outcome, row.error ? h("small", { class: "wrong" }, row.error) : null),
    h("td", { class: "n on-narrow" }, row.epochs ?? "–"),
    h("td", { class: "n on-narrow" }, row.seconds === null ? "–" : duration(row.seconds)),
  );
}
