// Which images are shown, in which groups and order, in which colours.

import { amountColours, classColours, ramp, verdictColours } from "../colours.js";
import { h } from "../dom.js";
import { step } from "../format.js";
import { isTrain } from "../store.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;
const LOSS_STEPS = [0.05, 0.15, 0.35, 0.7, 1.2, 2, 3.5]; // nats between the eight colours
const CONFIDENCE_STEPS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97];
const MOST_NAMED = 24; // classes in the legend

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("./data-state.js").DataState} DataState */

export const isRight = (/** @type {Store} */ store, /** @type {any} */ answers, /** @type {number} */ image) =>
  answers.predicted[image] === store.labels[image];

/** An image in words: its index, class, split, and what was answered. */
export function describe(/** @type {Store} */ store, /** @type {any} */ answers, /** @type {number} */ index) {
  const names = store.facts.class_names;
  const split = isTrain(store, index) ? WORDS.split.train : WORDS.split.test;
  const said = answers ? TEXT.answered(names[answers.predicted[index]], answers.confidence[index]) : "";
  return TEXT.tip(index, names[store.labels[index]], split) + said;
}

export function visible(/** @type {Store} */ store, /** @type {DataState} */ state) {
  const { label, split, verdict, answers } = state;
  const images = [];
  for (let image = 0; image < store.count; image++) {
    if (label !== "" && store.labels[image] !== Number(label)) continue;
    if (split !== "" && isTrain(store, image) !== (split === "train")) continue;
    if (answers && verdict !== "all" && isRight(store, answers, image) !== (verdict === "right")) continue;
    images.push(image);
  }
  return sorted(images, state);
}

function sorted(/** @type {number[]} */ images, /** @type {DataState} */ { order, answers }) {
  if (order === "index" || !answers) return images;
  const by = {
    sure: (image) => -answers.confidence[image],
    unsure: (image) => answers.confidence[image],
    loss: (image) => -answers.loss[image],
  }[order];
  return by ? images.sort((a, b) => by(a) - by(b) || a - b) : images;
}

export function groupsOf(/** @type {Store} */ store, /** @type {DataState} */ state, /** @type {number[]} */ images) {
  const names = store.facts.class_names;
  const keys = {
    label: [names, (image) => store.labels[image]],
    predicted: [names, (image) => state.answers.predicted[image]],
    split: [[WORDS.split.train, WORDS.split.test], (image) => (isTrain(store, image) ? 0 : 1)],
    right: [[TEXT.wrong, TEXT.right], (image) => Number(isRight(store, state.answers, image))],
    none: [[store.facts.title], () => 0],
  };
  const [titles, key] = keys[state.group];
  const groups = titles.map((name) => ({ name, images: [] }));
  for (const image of images) groups[key(image)].images.push(image);
  return groups;
}

/** A tint for each image and a ramp for each tint; the last ramp is for what is out of focus. */
export function tintsOf(/** @type {Store} */ store, /** @type {DataState} */ state) {
  const { answers } = state;
  const faded = ramp(amountColours()[0]);
  const classes = () => classColours(store.facts.class_names.length);
  const tables = {
    none: () => [[null], null],
    label: () => [classes(), (image) => store.labels[image]],
    predicted: () => [classes(), (image) => answers.predicted[image]],
    right: () => [verdictColours(), (image) => Number(isRight(store, answers, image))],
    loss: () => [amountColours(), (image) => step(LOSS_STEPS, answers.loss[image])],
    confidence: () => [[...amountColours()].reverse(), (image) => step(CONFIDENCE_STEPS, answers.confidence[image])],
  };
  const [colours, tint] = tables[state.colour]();
  const ramps = [...colours.map(ramp), faded];
  return { ramps, tints: tint ? Uint8Array.from({ length: store.count }, (_, image) => tint(image)) : null };
}

export function legendOf(/** @type {Store} */ store, /** @type {DataState} */ { colour }) {
  if (colour === "none") return [];
  if (colour === "right") return [named([TEXT.wrong, TEXT.right], verdictColours())];
  if (colour === "label" || colour === "predicted") {
    const names = store.facts.class_names;
    return [named(names.slice(0, MOST_NAMED), classColours(names.length))];
  }
  const colours = colour === "loss" ? amountColours() : [...amountColours()].reverse();
  const scale = h("span", { class: "scale", "aria-hidden": "true" }, colours.map(patch));
  return [h("p", {}, TEXT.legend[colour][0], scale, TEXT.legend[colour][1])];
}

const named = (/** @type {string[]} */ names, /** @type {string[]} */ colours) =>
  h(
    "ul",
    {},
    names.map((name, at) => h("li", {}, patch(colours[at]), name)),
  );

function patch(/** @type {string} */ colour) {
  const part = h("i");
  part.style.background = colour;
  return part;
}
