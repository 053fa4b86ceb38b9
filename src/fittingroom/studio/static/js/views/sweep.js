// Sweeps: choose what is varied, start, watch the trials, stop, go on.

import { h } from "../dom.js";
import { WORDS } from "../words.js";
import { JobPart } from "./job-part.js";
import { SweepForm } from "./sweep-form.js";
import { LiveSweep } from "./sweep-live.js";

const TEXT = WORDS.sweep;

/** @type {import("./job-part.js").Kind} */
const SWEEPS = {
  path: "sweeps",
  title: WORDS.parts.sweep,
  text: TEXT,
  layout: "train-page sweep-page",
  asks: ["trainings/options", "sweeps/options"],
  form: ([options, more], part) => {
    const told = { start: (order) => part.start(order), changed: (query) => part.changed(query) };
    return new SweepForm(part.context.about, options, more, part.query, told);
  },
  watch: (root, sweep, mayChange, changed) => new LiveSweep(root, sweep, mayChange, changed),
  brief: (row) => h("span", { class: "small muted" }, TEXT.brief(row.ended, row.of)),
};

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  await new JobPart(root, context, SWEEPS).open();
}
