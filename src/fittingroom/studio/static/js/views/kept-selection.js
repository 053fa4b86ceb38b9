// The lasso's selection: in the address where it fits, otherwise in this tab alone.

import { decodeSelection, encodeSelection } from "../address.js";

const PLACE = "selection";

/** Stands in the address for a selection that only this tab remembers. */
export const TOO_LONG = "*";

/** Return what stands in the address for a selection. */
export function keepSelection(/** @type {number[]} */ chosen) {
  const code = encodeSelection(chosen);
  if (code === null) sessionStorage.setItem(PLACE, JSON.stringify(chosen));
  return code ?? TOO_LONG;
}

/** Return the images that an address stands for; none where another tab's selection was too long for it. */
export function recallSelection(/** @type {string} */ code, /** @type {number} */ count) {
  if (code !== TOO_LONG) return decodeSelection(code, count);
  const kept = /** @type {number[]} */ (JSON.parse(sessionStorage.getItem(PLACE) ?? "[]"));
  return kept.filter((index) => index < count);
}
