// Is it worth it? Train on the result, and compare two runs, before and after, on the same images.

import { formatHash } from "../address.js";
import { get, name } from "../api.js";
import { complain, field, h, replace, select } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.curate;

/**
 * @param {object} now
 * @param {any} now.sheet
 * @param {import("./curate-state.js").CurateState} now.state
 * @param {boolean} now.mayChange
 * @param {(key: string, value: string) => void} now.change
 * @param {AbortSignal} now.signal
 */
export function worthBox({ sheet, state, mayChange, change, signal }) {
  const heading = h("h2", {}, TEXT.worth);
  if (sheet.kind === "labels") {
    const words = TEXT.trainLabels(sheet.file.split("/").slice(0, -1).join("/"));
    return h("section", { class: "curate-worth" }, heading, h("p", {}, h("code", {}, words)));
  }
  const plain = { dataset: state.dataset };
  const links = [
    h("a", { class: "button primary", href: formatHash("train", [], { ...plain, edits: sheet.key }) }, TEXT.train),
    h("a", { class: "button", href: formatHash("train", [], plain) }, TEXT.trainPlain),
  ];
  const compared = h("div", { class: "curate-compared" });
  fill(compared, { state, change, signal }).catch((error) => signal.aborted || complain(error));
  const row = mayChange && sheet.decided ? h("div", { class: "row" }, links) : null;
  return h(
    "section",
    { class: "curate-worth" },
    heading,
    h("p", { class: "muted small" }, TEXT.worthHelp),
    row,
    compared,
  );
}

async function fill(/** @type {HTMLElement} */ root, { state, change, signal }) {
  const runs = await get(`curate/runs?dataset=${name(state.dataset)}`, signal);
  if (runs.length < 2) return;
  const usual = { before: runs.find((run) => !run.edits), after: runs.find((run) => run.edits) };
  const chosen = {};
  for (const side of ["before", "after"]) {
    chosen[side] = runs.find((run) => run.name === state[side]) ?? usual[side] ?? null;
  }
  const options = [["", TEXT.noRun], ...runs.map((run) => [run.name, `${run.name} · ${TEXT.edited(run.edits)}`])];
  const choose = (/** @type {"before" | "after"} */ side) =>
    field(
      TEXT[side],
      select(/** @type {any} */ (options), chosen[side]?.name ?? "", (value) => change(side, value)),
    );
  const said = h("div", { role: "status" });
  replace(root, h("div", { class: "row curate-runs" }, choose("before"), choose("after")), said);
  const { before, after } = chosen;
  if (before && after && before !== after) replace(said, await verdict(before, after, signal));
}

async function verdict(/** @type {any} */ before, /** @type {any} */ after, /** @type {AbortSignal} */ signal) {
  const href = formatHash("look", [before.name], { against: after.name });
  const untested = [before, after].filter((run) => !run.has_predictions);
  if (untested.length) {
    const each = untested.map((run) => h("li", {}, h("a", { href: formatHash("look", [run.name]) }, run.name)));
    return [h("p", {}, TEXT.oneUntested), h("ul", {}, each)];
  }
  const told = await get(`runs/${name(before.name)}/against/${name(after.name)}`, signal);
  const points = (100 * Math.abs(told.difference)).toFixed(2);
  const [better, worse] = told.difference > 0 ? [after.name, before.name] : [before.name, after.name];
  const words = told.p >= 0.05 ? WORDS.look.even(after.name, told.p) : WORDS.look.better(better, worse, points, told.p);
  const scores = [before, after].map((run) => `${run.name}: ${run.test_accuracy?.toFixed(4) ?? "–"}`).join("; ");
  const split = WORDS.look.split(told.only_first, before.name, told.only_second, after.name);
  return [h("p", { class: "number" }, `${scores}. ${words} ${split}`), h("a", { href }, TEXT.look)];
}
