// Training: choose, start, watch it learn, stop, resume.

import { post } from "../api.js";
import { WORDS } from "../words.js";
import { JobPart } from "./job-part.js";
import { OrderForm } from "./train-form.js";
import { LiveTraining } from "./train-live.js";

/** @type {import("./job-part.js").Kind} */
const TRAININGS = {
  path: "trainings",
  title: WORDS.parts.train,
  text: WORDS.train,
  layout: "train-page",
  asks: ["trainings/options"],
  form: ([options], part) => {
    const { about } = part.context;
    return new OrderForm(about, options, part.query, {
      start: async (order) => {
        await part.start(order);
        about.runs += 1;
      },
      preview: (order) => post("trainings/preview", order),
      changed: (query) => part.changed(query),
    });
  },
  watch: (root, training, mayChange, changed) => new LiveTraining(root, training, mayChange, () => changed()),
  brief: () => null,
};

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  await new JobPart(root, context, TRAININGS).open();
}
