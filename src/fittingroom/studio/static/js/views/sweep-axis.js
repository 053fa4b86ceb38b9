// One setting that is varied, as a row of the form: a range, a list, or choices to tick.

import { field, h, replace, segments, unique } from "../dom.js";
import { readable } from "../format.js";
import { WORDS } from "../words.js";
import { knobTitle } from "./knob-control.js";
import { isNumber, listed } from "./sweep-order.js";

const TEXT = WORDS.sweep;

/** @typedef {import("./sweep-order.js").Axis} Axis */
/** @typedef {import("./train-order.js").Knob} Knob */

/**
 * @param {Axis} axis changed in place
 * @param {Knob} knob
 * @param {string[]} models that there are
 * @param {() => void} changed
 * @param {() => void} removed
 */
export function axisRow(axis, knob, models, changed, removed) {
  const name = readable(knob.name);
  const button = h("button", { type: "button", class: "plain small" }, TEXT.remove);
  button.append(h("span", { class: "hush" }, ` ${name}`));
  button.addEventListener("click", removed);
  const place = h("div", { class: "vary-values" });
  const fill = () => replace(place, controls(axis, knob, models, changed));
  const choose = (/** @type {string} */ kind) => {
    axis.kind = kind === "list" ? "list" : "range";
    fill();
    changed();
  };
  const kinds = /** @type {[string, string][]} */ (Object.entries(TEXT.kinds));
  const way = isNumber(knob) ? segments(TEXT.kind(name), kinds, axis.kind, choose).root : null;
  fill();
  const hint = knob.kind === "bool" ? TEXT.yesAndNo : TEXT.choices;
  const head = h("div", { class: "vary-head" }, way ?? h("span", { class: "small muted" }, hint), button);
  const help = h("p", { class: "help" }, knob.help);
  return h("fieldset", { class: "vary" }, h("legend", {}, knobTitle(knob)), help, head, place);
}

function controls(/** @type {Axis} */ axis, /** @type {Knob} */ knob, /** @type {string[]} */ models, changed) {
  if (knob.kind === "bool") return [];
  const choices = knob.name === "model" ? models : knob.choices;
  if (choices.length) return ticks(axis, choices, changed);
  if (axis.kind === "list") return listField(axis, changed);
  return rangeFields(axis, changed);
}

function ticks(/** @type {Axis} */ axis, /** @type {string[]} */ choices, /** @type {() => void} */ changed) {
  const box = (/** @type {string} */ choice) => {
    const input = h("input", { type: "checkbox", checked: axis.values.includes(choice), id: unique("choice") });
    input.addEventListener("change", () => {
      const kept = choices.filter((each) => (each === choice ? input.checked : axis.values.includes(each)));
      axis.values = kept;
      changed();
    });
    return h("label", { class: "check", for: input.id }, input, choice);
  };
  return h("div", { class: "ticks" }, choices.map(box));
}

function listField(/** @type {Axis} */ axis, /** @type {() => void} */ changed) {
  const input = h("input", { value: axis.values.join(", "), inputmode: "text", autocomplete: "off" });
  input.addEventListener("input", () => {
    axis.values = listed(input.value);
    changed();
  });
  return field(TEXT.values, input);
}

function rangeFields(/** @type {Axis} */ axis, /** @type {() => void} */ changed) {
  const text = (/** @type {"low" | "high" | "step"} */ key, /** @type {string} */ words, placeholder = "") => {
    const input = h("input", { value: axis[key], inputmode: "decimal", placeholder, autocomplete: "off" });
    input.addEventListener("input", () => {
      axis[key] = input.value;
      changed();
    });
    return { input, root: field(words, input) };
  };
  const step = text("step", TEXT.step, TEXT.anyStep);
  const box = h("input", { type: "checkbox", checked: axis.log, id: unique("log") });
  const show = () => (step.input.disabled = axis.log); // by factors there are no steps
  box.addEventListener("change", () => {
    axis.log = box.checked;
    show();
    changed();
  });
  show();
  const ends = h("div", { class: "vary-ends" }, text("low", TEXT.low).root, text("high", TEXT.high).root, step.root);
  return [ends, h("label", { class: "check", for: box.id }, box, TEXT.log)];
}
