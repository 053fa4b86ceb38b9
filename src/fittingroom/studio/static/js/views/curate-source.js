// Where the pictures of a sheet come from: a dataset that the wall has too, or the sheet itself.

import { name } from "../api.js";
import { h } from "../dom.js";
import { picture, storePicture } from "../picture.js";
import { isTrain, openStore } from "../store.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.curate;

/**
 * @typedef {object} Source
 * @property {string[]} names of the classes
 * @property {number} count of all its pictures
 * @property {(image: number, words: string) => HTMLCanvasElement} picture
 * @property {(image: number) => string} place in words
 * @property {(image: number) => boolean} isTest
 * @property {(image: number) => number | null} label
 * @property {(image: number) => { height: number, width: number, pixels: Uint8Array } | null} grey for asking a model;
 *   null where the studio has the picture itself, or it is in colour
 * @property {boolean} isLabels whether its pictures have no labels yet
 */

/** @returns {Promise<Source>} */
export async function openSource(
  /** @type {string} */ dataset,
  /** @type {any} */ sheet,
  /** @type {AbortSignal} */ signal,
) {
  return sheet.kind === "labels" ? ofSheet(sheet, signal) : ofStore(await openStore(dataset));
}

/** @returns {Source} */
function ofStore(/** @type {import("../store.js").Store} */ store) {
  const isTest = (/** @type {number} */ image) => !isTrain(store, image);
  const position = (/** @type {number} */ image) => (isTest(image) ? image - store.facts.train : image);
  return {
    names: store.facts.class_names,
    count: store.count,
    picture: (image, words) => storePicture(store, image, words),
    place: (image) => TEXT.place(WORDS.split[isTest(image) ? "test" : "train"], String(position(image))),
    isTest,
    label: (image) => store.labels[image],
    grey: () => null,
    isLabels: false,
  };
}

/** @returns {Promise<Source>} */
async function ofSheet(/** @type {any} */ sheet, /** @type {AbortSignal} */ signal) {
  const response = await fetch(`api/curate/pictures?sheet=${name(sheet.key)}`, { signal });
  if (!response.ok) throw new Error((await response.json()).error.message);
  const [count, height, width, channels = 1] = (response.headers.get("x-shape") ?? "0x1x1").split("x").map(Number);
  const all = new Uint8Array(await response.arrayBuffer());
  const cut = (/** @type {number} */ image) =>
    all.subarray(image * height * width * channels, (image + 1) * height * width * channels);
  return {
    names: sheet.class_names,
    count,
    picture: (image, words) =>
      channels === 1 ? picture(cut(image), height, width, words) : photo(cut(image), height, width, words),
    place: (image) => TEXT.picture(image),
    isTest: () => false,
    label: () => null,
    grey: (image) => (channels === 1 ? { height, width, pixels: cut(image) } : null),
    isLabels: true,
  };
}

/** A picture in colour, which the dark theme leaves as it is. */
function photo(/** @type {Uint8Array} */ pixels, /** @type {number} */ height, /** @type {number} */ width, label) {
  const canvas = h("canvas", { class: "photo", role: "img", "aria-label": label });
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) image.data.set([...pixels.subarray(3 * at, 3 * at + 3), 255], 4 * at);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
