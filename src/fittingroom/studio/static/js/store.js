// A dataset in the browser: facts, labels, every picture's pixels from sprite sheets, and what models answered.

import { bytes, get, name } from "./api.js";

const AT_ONCE = 6;
const open = new Map();

// Returns the store of a dataset; it is loaded once, and its pictures go on arriving after this resolves.
export function openStore(dataset) {
  if (!open.has(dataset))
    open.set(
      dataset,
      load(dataset).catch((error) => (open.delete(dataset), Promise.reject(error))),
    );
  return open.get(dataset);
}

async function load(dataset) {
  const [facts, labels] = await Promise.all([
    get(`datasets/${name(dataset)}`),
    get(`datasets/${name(dataset)}/labels`),
  ]);
  const [height, width] = facts.tile_shape;
  const count = facts.train + facts.test;
  const levels = [{ height, width, pixels: new Uint8Array(count * height * width) }];
  while (Math.min(levels.at(-1).height, levels.at(-1).width) > 2 && levels.length < 5) {
    const [h, w] = [(levels.at(-1).height + 1) >> 1, (levels.at(-1).width + 1) >> 1];
    levels.push({ height: h, width: w, pixels: new Uint8Array(count * h * w) });
  }
  const store = {
    dataset,
    facts,
    count,
    labels: Uint8Array.from(labels),
    levels,
    arrived: 0,
    listeners: new Set(),
    answers: new Map(),
  };
  store.whole = fetchSheets(store);
  store.whole.catch(() => {});
  return store;
}

async function fetchSheets(store) {
  let next = 0;
  const worker = async () => {
    while (next < store.facts.sheets) {
      const number = next++;
      place(store, number, await bytes(`datasets/${name(store.dataset)}/sheets/${number}`));
      store.arrived += 1;
      for (const listener of store.listeners) listener();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function place(store, number, sheet) {
  const first = number * store.facts.sheet;
  const { height, width, pixels } = store.levels[0];
  pixels.set(sheet, first * height * width);
  const count = sheet.length / (height * width);
  for (let level = 1; level < store.levels.length; level++)
    halve(store.levels[level - 1], store.levels[level], first, count);
}

// Each pixel of the smaller level is the mean of the four it stands for.
function halve(from, to, first, count) {
  for (let image = first; image < first + count; image++) {
    const source = image * from.height * from.width;
    let target = image * to.height * to.width;
    for (let row = 0; row < to.height; row++) {
      const top = source + 2 * row * from.width;
      const below = 2 * row + 1 < from.height ? top + from.width : top;
      for (let column = 0; column < to.width; column++) {
        const left = 2 * column;
        const right = left + 1 < from.width ? left + 1 : left;
        to.pixels[target++] =
          (from.pixels[top + left] +
            from.pixels[top + right] +
            from.pixels[below + left] +
            from.pixels[below + right]) >>
          2;
      }
    }
  }
}

export const isTrain = (store, index) => index < store.facts.train;

// Columns of what a model answered: predicted, confidence, loss.
export async function answersOf(store, model) {
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
