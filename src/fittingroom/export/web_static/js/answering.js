// A picture, and what the networks of this page say of it, as `fittingroom predict` decides: data or a photo.

import { ask } from "./networks.js";
import { wholePhoto } from "./photo-pixels.js";
import { greyOfSize, stripWarning } from "./pictures.js";

const UNSURE = 0.6; // confidence below which an answer is given with its runner-up

/**
 * @typedef {{ classes: string[], probabilities: number[], isNone: boolean | null, score: number | null,
 *   best: number, second: number | null, seen: { pixels: Uint8Array, size: [number, number] }, isPhoto: boolean,
 *   warning: string }} Told
 * @typedef {Awaited<ReturnType<typeof import("./networks.js").readModels>>} Models
 */

/**
 * @param {Models} models
 * @param {import("./photo-pixels.js").Pixels} picture
 * @returns {Promise<Told>}
 */
export async function answerPicture(models, picture) {
  const grey = models.data && greyOfSize(picture, models.data.size);
  if (grey) return answerData(models, grey);
  if (!models.photo) throw new Error(models.leftOut[0] ?? "This page has no network for photos.");
  const pixels = wholePhoto(picture, models.photo.size);
  return { ...told(models.photo, await ask(models.photo, pixels), pixels, true), warning: stripWarning(picture) };
}

/** @param {Models} models @param {Uint8Array} grey as many pixels as the network for data takes */
export async function answerData(models, grey) {
  if (!models.data) throw new Error("This page has no network for drawings.");
  return told(models.data, await ask(models.data, grey), grey, false);
}

/**
 * @param {import("./networks.js").About} about
 * @param {import("./networks.js").Answer} answer
 * @returns {Told}
 */
function told(about, answer, /** @type {Uint8Array} */ pixels, /** @type {boolean} */ isPhoto) {
  const order = answer.probabilities
    .map((_, at) => at)
    .sort((a, b) => answer.probabilities[b] - answer.probabilities[a]);
  const [best, second] = order;
  const isSure = answer.probabilities[best] >= UNSURE || order.length < 2;
  const seen = { pixels, size: about.size };
  return { ...answer, classes: about.classes, best, second: isSure ? null : second, seen, isPhoto, warning: "" };
}
