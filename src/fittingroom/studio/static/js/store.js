// A dataset in the browser: facts, labels, every picture's pixels from sprite sheets, and what models answered.

import { bytes, get, name } from "./api.js";

/**
 * @typedef {{ height: number, width: number, pixels: Uint8Array }} Level every picture at one size
 * @typedef {object} Store
 * @property {string} dataset
 * @property {any} facts as the server tells them
 * @property {number} count of images
 * @property {Uint8Array} labels
 * @property {Level[]} levels each half as large as the one before
 * @property {number} arrived sheets
 * @property {Set<() => void>} listeners told when a sheet arrives
 * @property {Map<string, any>} answers by model
 * @property {Map<string, Promise<any>>} maps by what they are laid out by
 * @property {Promise<void>} whole when all pictures are there
 */

const AT_ONCE = 4; // of the six requests that a browser makes at once; the others are for what the user does meanwhile
const MOST_LEVELS = 5;
/** @type {Map<string, Promise<Store>>} */
const open = new Map();

/** Return the store of a dataset; it is loaded once, and its pictures go on arriving after this resolves. */
export function openStore(/** @type {string} */ dataset) {
  const known = open.get(dataset);
  if (known) return known;
  const loading = load(dataset).catch((error) => {
    open.delete(dataset);
    throw error;
  });
  open.set(dataset, loading);
  return loading;
}

/** @returns {Promise<Store>} */
async function load(/** @type {string} */ dataset) {
  const path = `datasets/${name(dataset)}`;
  const [facts, labels] = await Promise.all([get(path), get(`${path}/labels`)]);
  const count = facts.train + facts.test;
  const store = {
    ...{
      dataset,
      facts,
      count,
      arrived: 0,
      labels: Uint8Array.from(labels),
      levels: levelsOf(facts.tile_shape, count),
    },
    ...{ listeners: new Set(), answers: new Map(), maps: new Map(), whole: Promise.resolve() },
  };
  store.whole = fetchSheets(store).catch((error) => {
    open.delete(dataset);
    throw error;
  });
  store.whole.catch(() => {});
  return store;
}

function levelsOf(/** @type {[number, number]} */ [height, width], /** @type {number} */ count) {
  const levels = [];
  for (let [h, w] = [height, width]; ; [h, w] = [(h + 1) >> 1, (w + 1) >> 1]) {
    levels.push({ height: h, width: w, pixels: new Uint8Array(count * h * w) });
    if (Math.min(h, w) <= 2 || levels.length === MOST_LEVELS) return levels;
  }
}

async function fetchSheets(/** @type {Store} */ store) {
  let next = 0;
  const path = `datasets/${name(store.dataset)}/sheets`;
  const worker = async () => {
    while (next < store.facts.sheets) {
      const number = next++;
      place(store, number, await bytes(`${path}/${number}?fingerprint=${store.facts.fingerprint}`));
      store.arrived += 1;
      for (const listener of store.listeners) listener();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function place(/** @type {Store} */ store, /** @type {number} */ number, /** @type {Uint8Array} */ sheet) {
  const first = number * store.facts.sheet;
  const { height, width, pixels } = store.levels[0];
  pixels.set(sheet, first * height * width);
  const count = sheet.length / (height * width);
  for (let level = 1; level < store.levels.length; level++) {
    halve(store.levels[level - 1], store.levels[level], first, count);
  }
}

/**
 * Make pictures half as large: each pixel is the mean of the four that it stands for.
 * @param {Level} from
 * @param {Level} to
 * @param {number} first picture
 * @param {number} count of pictures
 */
export function halve(from, to, first, count) {
  const source = from.pixels;
  for (let image = first; image < first + count; image++) {
    const start = image * from.height * from.width;
    let target = image * to.height * to.width;
    for (let row = 0; row < to.height; row++) {
      const top = start + 2 * row * from.width;
      const below = 2 * row + 1 < from.height ? top + from.width : top;
      for (let column = 0; column < to.width; column++) {
        const left = 2 * column;
        const right = left + 1 < from.width ? left + 1 : left;
        to.pixels[target++] =
          (source[top + left] + source[top + right] + source[below + left] + source[below + right]) >> 2;
      }
    }
  }
}

export const isTrain = (/** @type {Store} */ store, /** @type {number} */ index) => index < store.facts.train;

/** Columns of what a model answered: predicted, confidence, loss. */
export async function answersOf(/** @type {Store} */ store, /** @type {string} */ model) {
  if (!store.answers.has(model)) {
    const columns = await get(`answers/columns?dataset=${name(store.dataset)}&model=${name(model)}`);
    store.answers.set(model, {
      predicted: Uint8Array.from(columns.predicted),
      confidence: Float32Array.from(columns.confidence),
      loss: Float32Array.from(columns.loss),
    });
  }
  return store.answers.get(model);
}
