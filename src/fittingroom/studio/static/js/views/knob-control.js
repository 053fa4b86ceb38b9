// The control of one setting of a recipe: a checkbox, a list or a field, with its unit and its help.

import { field, h, select, unique } from "../dom.js";
import { readable } from "../format.js";
import { WORDS } from "../words.js";
import { typed } from "./train-order.js";

const TEXT = WORDS.train;

/** @typedef {import("./train-order.js").Knob} Knob */

/** A setting's name as it stands above its control, with its unit. */
export function knobTitle(/** @type {Knob} */ knob) {
  const unit = knob.unit && knob.unit !== knob.name ? ` (${knob.unit})` : "";
  return `${readable(knob.name)}${unit}`;
}

/**
 * @param {Knob} knob
 * @param {any} now its value
 * @param {(value: any) => void} changed
 */
export function knobControl(knob, now, changed) {
  if (knob.kind === "bool") return checkbox(knob, Boolean(now), changed);
  if (knob.choices.length) return field(knobTitle(knob), select(knob.choices, now, changed), knob.help);
  const placeholder = knob.can_be_auto ? TEXT.auto : knob.can_be_none ? TEXT.none : "";
  const inputmode = knob.kind === "str" ? "text" : "decimal";
  const input = h("input", { value: now ?? "", inputmode, placeholder });
  input.addEventListener("input", () => changed(typed(knob, input.value)));
  return field(knobTitle(knob), input, knob.help);
}

function checkbox(
  /** @type {Knob} */ knob,
  /** @type {boolean} */ checked,
  /** @type {(now: boolean) => void} */ told,
) {
  const help = h("span", { class: "help", id: unique("knob-help") }, knob.help);
  const box = h("input", { type: "checkbox", checked, id: unique("knob"), "aria-describedby": help.id });
  box.addEventListener("change", () => told(box.checked));
  return h("div", { class: "field" }, h("label", { class: "check", for: box.id }, box, knobTitle(knob)), help);
}
