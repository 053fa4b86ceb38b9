// The training of a run replayed: by a slider, how confusion, map, bars and weights changed from step to step.

import { h, replace, s, unique } from "../dom.js";
import { grouped } from "../format.js";
import { bars } from "../picture.js";
import { WORDS } from "../words.js";
import { lazyBox, sheet } from "./inside-box.js";

const TEXT = WORDS.replay;

/** @param {{ ask: () => Promise<any>, count: number, signal: AbortSignal }} of */
export const replayBox = ({ ask, count, signal }) =>
  lazyBox({ title: TEXT.open(count), waiting: TEXT.waiting, ask, draw: replayOf, signal });

function replayOf(/** @type {any} */ told) {
  const shown = h("div", { class: "replay-step" });
  const last = told.steps.length - 1;
  const words = h("output", { class: "number" });
  const slider = h("input", { type: "range", min: "0", max: String(last), step: "1", value: String(last) });
  slider.id = unique("replay");
  const paint = () => {
    const step = told.steps[Number(slider.value)];
    const where = TEXT.step(grouped(step.step), step.epoch.toFixed(2));
    words.textContent = `${where} ${TEXT.accuracy(step.accuracy.toFixed(4), grouped(told.n), told.split)}`;
    slider.setAttribute("aria-valuetext", where);
    replace(shown, stepOf(told, step, told.sheets[Number(slider.value)]));
  };
  slider.addEventListener("input", paint);
  paint();
  const control = h("div", { class: "replay-slider" }, h("label", { for: slider.id }, TEXT.slider), slider, words);
  return [h("p", { class: "small" }, told.sentence), control, shown];
}

function stepOf(/** @type {any} */ told, /** @type {any} */ step, /** @type {any} */ weights) {
  const images = told.pictures.map((/** @type {string} */ uri, /** @type {number} */ at) => {
    const name = told.class_names[told.labels[at]];
    const picture = h("img", { src: uri, alt: `${TEXT.image(told.indices[at])}, ${name}`, class: "replay-picture" });
    const figure = h("figure", {}, picture, h("figcaption", {}, name));
    return h("li", { class: "pair" }, figure, bars(told.class_names, step.probabilities[at], told.labels[at]));
  });
  const part = (/** @type {string} */ title, /** @type {any} */ drawn, help = "") =>
    h(
      "section",
      { class: "look-part" },
      h("h3", {}, title),
      drawn,
      help ? h("p", { class: "small muted" }, help) : null,
    );
  return [
    h("ul", { class: "pairs" }, images),
    h(
      "div",
      { class: "look-figures" },
      part(TEXT.confusion, confusionOf(told, step)),
      step.map ? part(TEXT.map, [mapOf(told, step), legend(told)], TEXT.mapHelp) : null,
    ),
    weights ? part(TEXT.weights, h("div", { class: "scroll" }, sheet(weights.uri, weights.size))) : null,
  ];
}

function confusionOf(/** @type {any} */ told, /** @type {any} */ step) {
  const row = (/** @type {number[]} */ counts, /** @type {number} */ label) => {
    const total = counts.reduce((sum, value) => sum + value, 0);
    const cells = counts.map((count, guess) => {
      const td = h("td", { class: label === guess ? "hit" : "" }, count ? grouped(count) : "·");
      td.style.setProperty("--share", String(total ? count / total : 0));
      return td;
    });
    return h("tr", {}, h("th", { scope: "row" }, told.class_names[label]), cells);
  };
  const table = h("table", { class: "confusion" }, h("tbody", {}, step.confusion.map(row)));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": TEXT.confusion }, table);
}

function mapOf(/** @type {any} */ told, /** @type {any} */ step) {
  const edge = told.side + 8;
  const paths = told.colours.map((/** @type {string} */ colour, /** @type {number} */ label) => {
    const places = step.map.filter((/** @type {any} */ _, /** @type {number} */ at) => told.map_labels[at] === label);
    const d = places.map((/** @type {number[]} */ [x, y]) => `M${x} ${y}h0`).join("");
    return s("path", { d, stroke: colour }, s("title", {}, told.class_names[label]));
  });
  const words = TEXT.mapAlt(told.map_labels.length, grouped(step.step));
  return s("svg", { class: "replay-map", viewBox: `-4 -4 ${edge} ${edge}`, role: "img", "aria-label": words }, paths);
}

function legend(/** @type {any} */ told) {
  const entries = told.class_names.map((/** @type {string} */ name, /** @type {number} */ label) => {
    const dot = h("span", { "aria-hidden": "true" }, "● ");
    dot.style.color = told.colours[label];
    return h("li", {}, dot, name);
  });
  return h("ul", { class: "replay-legend small" }, entries);
}
