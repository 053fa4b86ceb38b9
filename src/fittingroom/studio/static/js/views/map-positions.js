// Where each image lies on a map; one that is on its way is not asked for again.

import { get } from "../api.js";
import { ready } from "../jobs.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;

/**
 * @param {import("../store.js").Store} store
 * @param {{ dataset: string, model: string, method: string }} source what it is laid out by
 * @param {(words: string) => void} tell
 * @param {AbortSignal} signal
 * @returns {Promise<{ x: number[], y: number[] }>}
 */
export function mapPositions(store, source, tell, signal) {
  const key = new URLSearchParams(source).toString();
  const known = store.maps.get(key);
  if (known) return known;
  const fetched = fetchMap(source, key, tell, signal);
  fetched.catch(() => store.maps.delete(key));
  store.maps.set(key, fetched);
  return fetched;
}

async function fetchMap(source, /** @type {string} */ key, tell, /** @type {AbortSignal} */ signal) {
  tell(WORDS.loading);
  if (source.method === "umap") {
    await ready("maps", source, { tell: (share, words) => tell(TEXT.mapping(share, words)), signal });
  }
  return get(`maps/positions?${key}`, signal);
}
