// Where nothing is on a sheet yet: how pictures come onto one.

import { formatHash } from "../address.js";
import { get } from "../api.js";
import { field, h, notice, replace, select } from "../dom.js";
import { ready } from "../jobs.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.curate;

/**
 * @param {import("./curate-state.js").CurateState} state
 * @param {any[]} sheets that there are
 * @param {boolean} mayChange
 * @param {AbortSignal} signal
 * @param {() => void} done once there is an audit
 */
export function nothingHere(state, sheets, mayChange, signal, done) {
  const link = h("a", { class: "button", href: formatHash("data", [], { dataset: state.dataset }) }, TEXT.toData);
  const box = h("div", { class: "empty curate-start" }, h("p", {}, TEXT.nothingChosen), link);
  if (mayChange && !sheets.some((each) => each.kind === "audit")) box.append(auditBox(state, signal, done));
  return box;
}

function auditBox(
  /** @type {import("./curate-state.js").CurateState} */ state,
  /** @type {AbortSignal} */ signal,
  done,
) {
  const place = h("div", { class: "curate-audit" });
  const chosen = { recipe: "90" };
  const status = h("p", { class: "small muted number", role: "status" });
  const button = h("button", { type: "button", class: "primary" }, TEXT.auditNow);
  const tell = (/** @type {number} */ share, /** @type {string} */ words) => {
    status.textContent = TEXT.auditing(share, words);
  };
  const run = async () => {
    button.disabled = true;
    try {
      await ready("curate/audits", { dataset: state.dataset, recipe: chosen.recipe }, { tell, signal });
      state.sheet = "";
      done();
    } catch (error) {
      if (signal.aborted) return;
      replace(status, notice(error));
      button.disabled = false;
    }
  };
  button.addEventListener("click", run);
  replace(place, h("p", { class: "muted small" }, TEXT.auditHelp), h("div", { class: "row" }, button), status);
  chooseRecipe(place, chosen, state, signal, run).catch(() => {});
  return place;
}

// Which recipes there are; an audit that is under way already is waited for.
async function chooseRecipe(place, chosen, state, signal, run) {
  const { recipes } = await get("trainings/options", signal);
  const names = recipes.map((recipe) => recipe.name);
  const choice = select(names, chosen.recipe, (value) => (chosen.recipe = value));
  place.querySelector(".row").prepend(field(TEXT.recipe, choice));
  const query = new URLSearchParams({ dataset: state.dataset, recipe: chosen.recipe });
  const told = await get(`curate/audits?${query}`, signal);
  if (told.state === "working") await run();
}
