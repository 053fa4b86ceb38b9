// The class: every run as a row without a name, judged by the server, and told anew while it is looked at.

import { formatHash } from "../address.js";
import { get } from "../api.js";
import { h, notice, replace } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.class;
const PAUSE = 5000; // milliseconds between two questions what has been handed in
const NUMBERS = new Set(["seed", "epochs", "val_accuracy", "test"]);
const KEYS = ["code", "model", "seed", "epochs", "val_accuracy", "test", "words"];
const LEFT_OUT = { model: "on-middle", seed: "on-narrow", epochs: "on-narrow" };

/** @typedef {import("../router.js").Context} Context */

export async function mountClass(/** @type {HTMLElement} */ root, /** @type {Context} */ context) {
  const here = context.about.datasets.filter((/** @type {any} */ each) => each.is_here);
  const asked = context.query.get("dataset");
  const dataset = here.some((/** @type {any} */ each) => each.name === asked) ? asked : here[0]?.name;
  const place = h("div", { class: "runs-part" });
  const back = h("p", { class: "small" }, h("a", { href: formatHash("runs") }, TEXT.back));
  const header = h("header", {}, h("h1", {}, TEXT.title), h("p", { class: "lede" }, TEXT.lede), back);
  replace(root, h("div", { class: "view" }, header, datasetChoice(here, dataset, context), place));
  await keepTelling(place, `class?${new URLSearchParams({ dataset: dataset ?? "" })}`, context);
}

function datasetChoice(/** @type {any[]} */ here, /** @type {string} */ dataset, /** @type {Context} */ context) {
  const options = here.map((each) => h("option", { value: each.name }, each.title));
  const select = h("select", {}, options);
  select.value = dataset ?? "";
  select.addEventListener("change", () => {
    context.keep(["class"], { dataset: select.value });
    context.again();
  });
  return h("label", { class: "row runs-bar" }, TEXT.dataset, select);
}

// Ask again and again until the view is left; nothing is drawn anew where nothing has changed.
async function keepTelling(
  /** @type {HTMLElement} */ place,
  /** @type {string} */ path,
  /** @type {Context} */ context,
) {
  let shown = "";
  const tell = async () => {
    try {
      const found = await get(path, context.signal);
      if (JSON.stringify(found) === shown) return;
      shown = JSON.stringify(found);
      replace(place, ...told(found));
    } catch (error) {
      if (context.signal.aborted) return;
      shown = "";
      replace(place, notice(error));
    }
  };
  const again = async () => {
    if (document.visibilityState === "visible") await tell();
    if (!context.signal.aborted) setTimeout(again, PAUSE);
  };
  await tell();
  setTimeout(again, PAUSE);
}

function told(/** @type {any} */ found) {
  return [
    h("p", {}, spread(found.test)),
    h("p", { class: "muted small" }, TEXT.luck),
    h("div", { class: "scroll" }, table(found.runs)),
    found.common.length ? list(TEXT.talk, found.common.map(commonWords)) : null,
    found.confused.length ? list(TEXT.confused, found.confused.map(confusedWords)) : null,
  ].filter(Boolean);
}

const four = (/** @type {number | null | undefined} */ value) => value?.toFixed(4) ?? "–";

function spread(/** @type {any} */ test) {
  if (!test) return TEXT.noneCount;
  const { accuracies, mean, sd } = test;
  const [low, high] = [Math.min(...accuracies), Math.max(...accuracies)];
  return TEXT.spread(accuracies.length, four(mean), four(sd), four(low), four(high));
}

function table(/** @type {any[]} */ runs) {
  const head = TEXT.columns.map((words, at) => h("th", { scope: "col", class: kind(KEYS[at]) }, words));
  return h("table", { class: "runs class-runs" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, runs.map(line)));
}

const kind = (/** @type {string} */ key) =>
  [NUMBERS.has(key) ? "n" : "", key === "words" ? "said" : "", LEFT_OUT[key] ?? ""].join(" ").trim();

function line(/** @type {any} */ run) {
  const words = run.error || run.marks.map((/** @type {any} */ mark) => mark.words).join("; ");
  const test = run.split === "test" ? four(run.accuracy) : "–";
  const cells = [run.model || "–", run.seed ?? "–", run.epochs ?? "–", four(run.val_accuracy), test, words];
  const row = cells.map((cell, at) => h("td", { class: kind(KEYS[at + 1]) }, String(cell)));
  return h("tr", {}, h("th", { scope: "row" }, run.code || "–"), row);
}

const list = (/** @type {string} */ title, /** @type {string[]} */ lines) =>
  h("section", {}, h("h2", {}, title), h("ul", {}, lines.map((words) => h("li", {}, words)))); // prettier-ignore

const commonWords = (/** @type {any} */ each) => `${TEXT.runs(each.runs)}: ${each.words}`;

const confusedWords = (/** @type {any} */ pair) => `${pair.true} → ${pair.predicted}: ${pair.per_run.toFixed(1)}`;
