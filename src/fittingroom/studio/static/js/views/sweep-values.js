// What the trials of a sweep come to, without a page to draw it on: the best so far, curves, order, words.

/**
 * @typedef {{ trial: string, outcome: string, val_accuracy: number | null, epochs: number | null,
 *   seconds: number | null, error: string | null, settings: Record<string, any> }} Trial
 */

export const isDone = (/** @type {Trial} */ row) => row.outcome === "done" && row.val_accuracy !== null;

/** The trial that was trained to its end with the highest accuracy; null where there is none. */
export function bestOf(/** @type {Trial[]} */ rows) {
  const better = (/** @type {Trial | null} */ best, /** @type {Trial} */ row) =>
    isDone(row) && (best === null || Number(row.val_accuracy) > Number(best.val_accuracy)) ? row : best;
  return rows.reduce(better, /** @type {Trial | null} */ (null));
}

/** @typedef {[number, number]} Point number of the trial, from 1; accuracy */

/**
 * Trials as points, and the best so far as steps.
 * @param {Trial[]} rows in the order in which they were proposed
 * @returns {{ done: Point[], early: Point[], best: Point[] }}
 */
export function curveOf(rows) {
  /** @type {{ done: Point[], early: Point[], best: Point[] }} */
  const found = { done: [], early: [], best: [] };
  rows.forEach((row, at) => {
    const value = row.val_accuracy;
    if (value === null) return;
    if (row.outcome === "stopped early") found.early.push([at + 1, value]);
    if (!isDone(row)) return;
    found.done.push([at + 1, value]);
    const before = found.best.at(-1);
    if (before && value > before[1]) found.best.push([at + 1, before[1]]);
    if (!before || value > before[1]) found.best.push([at + 1, value]);
  });
  const last = found.best.at(-1);
  if (last && last[0] < rows.length) found.best.push([rows.length, last[1]]);
  return found;
}

const RANK = { done: 0, "stopped early": 1, "under way": 2, failed: 3 };

/** Trials in the order in which they are listed: "best" first, or "latest". */
export function sorted(/** @type {Trial[]} */ rows, /** @type {string} */ by) {
  const latest = [...rows].reverse();
  if (by !== "best") return latest;
  const place = (/** @type {Trial} */ row) => RANK[row.outcome] ?? 9;
  return latest.sort((a, b) => place(a) - place(b) || (b.val_accuracy ?? 0) - (a.val_accuracy ?? 0));
}

/** How many have which outcome. */
export const count = (/** @type {Trial[]} */ rows, /** @type {string} */ outcome) =>
  rows.filter((row) => row.outcome === outcome).length;

/** A setting's value, short enough for a table. */
export function valueWords(/** @type {any} */ value) {
  if (value === null) return "none";
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

export const settingWords = (/** @type {Record<string, any>} */ settings) =>
  Object.entries(settings)
    .map(([name, value]) => `${name} ${valueWords(value)}`)
    .join(", ");

/** A sentence in three: what stands before an address, the address, and what comes after; null where there is none. */
export function withAddress(/** @type {string} */ sentence) {
  const found = /^(.*?)(https?:\/\/[^\s]+)(.*)$/.exec(sentence);
  return found ? [found[1], found[2], found[3]] : null;
}

/** How far a sweep is, from 0 to 1: its trials, then the trainings with fresh seeds. */
export function share(/** @type {any} */ sweep) {
  if (sweep.how === "done") return 1;
  const again = sweep.finals ? sweep.finals.ended / Math.max(1, sweep.finals.of) : 0;
  const trials = Math.min(1, sweep.ended / Math.max(1, sweep.of));
  return sweep.finals ? 0.6 + 0.4 * again : 0.6 * trials;
}
