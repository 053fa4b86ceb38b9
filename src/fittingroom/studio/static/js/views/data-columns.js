// Which images are shown, in which groups and order, in which colours.

import { amountColours, classColours, ramp, verdictColours } from "../colours.js";
import { h } from "../dom.js";
import { isTrain } from "../store.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.data;
const LOSS_STEPS = [0.05, 0.15, 0.35, 0.7, 1.2, 2, 3.5]; // nats between the eight colours
const CONFIDENCE_STEPS = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97];

export const isRight = (store, answers, image) => answers.predicted[image] === store.labels[image];

export function visible(store, state) {
  const images = [];
  for (let image = 0; image < store.count; image++) {
    if (state.label !== "" && store.labels[image] !== Number(state.label)) continue;
    if (state.split !== "" && isTrain(store, image) !== (state.split === "train")) continue;
    if (
      state.answers &&
      state.verdict !== "all" &&
      isRight(store, state.answers, image) !== (state.verdict === "right")
    )
      continue;
    images.push(image);
  }
  return sorted(images, state);
}

function sorted(images, { order, answers }) {
  if (order === "index" || !answers) return images;
  const by = {
    sure: (image) => -answers.confidence[image],
    unsure: (image) => answers.confidence[image],
    loss: (image) => -answers.loss[image],
  }[order];
  return by ? images.sort((a, b) => by(a) - by(b) || a - b) : images;
}

export function groupsOf(store, state, images) {
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

const step = (steps, value) => {
  let at = 0;
  while (at < steps.length && value > steps[at]) at++;
  return at;
};

// A tint for each image and a ramp for each tint; the last ramp is for what is out of focus.
export function tintsOf(store, state) {
  const { answers } = state;
  const faded = ramp(amountColours()[0]);
  const tables = {
    none: [[null], null],
    label: [classColours(store.facts.class_names.length), (image) => store.labels[image]],
    predicted: [classColours(store.facts.class_names.length), (image) => answers.predicted[image]],
    right: [verdictColours(), (image) => Number(isRight(store, answers, image))],
    loss: [amountColours(), (image) => step(LOSS_STEPS, answers.loss[image])],
    confidence: [[...amountColours()].reverse(), (image) => step(CONFIDENCE_STEPS, answers.confidence[image])],
  };
  const [colours, tint] = tables[state.colour];
  const ramps = [...colours.map(ramp), faded];
  return { ramps, tints: tint ? Uint8Array.from({ length: store.count }, (_, image) => tint(image)) : null };
}

export function legendOf(store, state) {
  const item = (words, colour) => {
    const dot = h("i");
    dot.style.background = colour;
    return h("li", {}, dot, words);
  };
  if (state.colour === "none") return [];
  if (state.colour === "right")
    return [
      h(
        "ul",
        {},
        [TEXT.wrong, TEXT.right].map((words, at) => item(words, verdictColours()[at])),
      ),
    ];
  if (state.colour === "label" || state.colour === "predicted") {
    const colours = classColours(store.facts.class_names.length);
    return [
      h(
        "ul",
        {},
        store.facts.class_names.slice(0, 24).map((name, label) => item(name, colours[label])),
      ),
    ];
  }
  const colours = state.colour === "loss" ? amountColours() : [...amountColours()].reverse();
  const scale = h(
    "span",
    { class: "scale", "aria-hidden": "true" },
    colours.map((colour) => {
      const part = h("i");
      part.style.background = colour;
      return part;
    }),
  );
  return [h("p", {}, TEXT.legend[state.colour][0], scale, TEXT.legend[state.colour][1])];
}
