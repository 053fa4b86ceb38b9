// Which pixels an answer hangs on, as numbers: maps for every class, and why one class and not another.

/**
 * @typedef {object} Maps
 * @property {string[]} names of the classes
 * @property {number[]} chances
 * @property {number} height of a map, in its own pixels
 * @property {number} width
 * @property {Float32Array[]} maps one a class: above 0 where a pixel speaks for it, below where against it
 */

/**
 * @param {any} told as the server sends it: 16-bit whole numbers, class after class, as base64
 * @returns {Maps}
 */
export function readMaps(told) {
  const [height, width] = told.shape;
  const bytes = Uint8Array.from(atob(told.maps), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const maps = told.class_names.map((_, label) =>
    Float32Array.from(
      { length: height * width },
      (_, at) => told.scale * view.getInt16(2 * (label * height * width + at), true),
    ),
  );
  return { names: told.class_names, chances: told.probabilities, height, width, maps };
}

/** The map of a class; or, where another is named, why it and not that one: the difference of the two. */
export function why(/** @type {Maps} */ { maps }, /** @type {number} */ of, /** @type {number | null} */ against) {
  return against === null ? maps[of] : maps[of].map((value, at) => value - maps[against][at]);
}

/** The two most probable classes, the first first. */
export function firstTwo(/** @type {number[]} */ chances) {
  const order = chances.map((_, at) => at).sort((a, b) => chances[b] - chances[a] || a - b);
  return [order[0], order[1] ?? null];
}

export const largest = (/** @type {Float32Array} */ map) =>
  map.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

const FOR = [224, 120, 20]; // orange
const AGAINST = [110, 70, 190]; // violet
const STRONGEST = 225; // of 255: what lies under it is always seen a little

/** Red, green, blue and opacity of a value, where `most` is the largest there is. */
export function tint(/** @type {number} */ value, /** @type {number} */ most) {
  const colour = value >= 0 ? FOR : AGAINST;
  return [...colour, most > 0 ? Math.round(STRONGEST * Math.min(1, Math.abs(value) / most)) : 0];
}
