// Asking a model about every image: never of itself. A button says what it costs: perhaps a look at the test images.

import { get } from "../api.js";
import { complain, h } from "../dom.js";
import { grouped } from "../format.js";
import { ready } from "../jobs.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;

/** @typedef {{ dataset: string, model: string }} Question */

/** @returns {Promise<{ state: string, costs_look: boolean }>} */
export const answersState = (/** @type {Question} */ question, /** @type {AbortSignal} */ signal) =>
  get(`answers?${new URLSearchParams({ ...question })}`, signal);

/**
 * The button that asks, with what it costs.
 * @param {object} about
 * @param {Question} about.question
 * @param {string} about.title of the model
 * @param {boolean} about.costsLook
 * @param {number} about.count of images
 * @param {boolean} about.mayChange
 * @param {AbortSignal} about.signal
 * @param {() => void} about.done once it has answered
 */
export function askBox({ question, title, costsLook, count, mayChange, signal, done }) {
  if (!mayChange) return h("p", { class: "ask-box notice" }, TEXT.askOwner(title));
  const status = h("span", { class: "small muted number", role: "status" });
  const button = h("button", { type: "button", class: "primary" }, TEXT.ask(grouped(count)));
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await waitForAnswers(question, costsLook, (words) => (status.textContent = words), signal);
      done();
    } catch (error) {
      complain(error);
      status.textContent = "";
      button.disabled = false;
      button.focus();
    }
  });
  const cost = costsLook ? TEXT.askCosts : TEXT.askIsFree;
  const row = h("div", { class: "row" }, button, status);
  return h("div", { class: "ask-box notice" }, h("p", {}, TEXT.askTitle(title), " ", cost), row);
}

/** Wait until a model has answered; asks it where it has not been asked, and spends a look only where that was said. */
export const waitForAnswers = (
  /** @type {Question} */ question,
  /** @type {boolean} */ spendLook,
  /** @type {(words: string) => void} */ tell,
  /** @type {AbortSignal} */ signal,
) =>
  ready(
    "answers",
    { ...question },
    {
      body: { spend_look: spendLook },
      tell: (share, words) => tell(TEXT.asking(share, words)),
      signal,
    },
  );
