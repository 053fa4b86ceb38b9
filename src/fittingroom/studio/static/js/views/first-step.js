// One line for whoever is here for the first time: what to do first.

import { formatHash } from "../address.js";
import { h } from "../dom.js";
import { WORDS } from "../words.js";

/** @returns {HTMLElement | null} nothing where there are runs already */
export function firstStep(/** @type {any} */ about) {
  if (about.runs > 0 || !about.may_change) return null;
  const link = h("a", { href: formatHash("train") }, WORDS.first.link);
  return h("p", { class: "first-step" }, WORDS.first.before, " ", link, " ", WORDS.first.after);
}
