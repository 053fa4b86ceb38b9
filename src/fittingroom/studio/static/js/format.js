// Numbers as people read them.

export const grouped = (/** @type {number} */ count) => count.toLocaleString("en");

export const percent = (/** @type {number} */ share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/** Seconds, minutes or hours, whichever is short. */
export function duration(/** @type {number} */ seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A setting's name as a person writes it. */
export const readable = (/** @type {string} */ key) => (key[0].toUpperCase() + key.slice(1)).replaceAll("_", " ");

/** Which of some steps a value has passed. */
export function step(/** @type {number[]} */ steps, /** @type {number} */ value) {
  let at = 0;
  while (at < steps.length && value > steps[at]) at++;
  return at;
}

/** @param {any} a @param {any} b what is missing comes first */
export function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
