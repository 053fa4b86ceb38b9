// Training: choose, start, watch it learn, stop, resume.

import { get, name, post } from "../api.js";
import { complain, empty, h, notice, replace } from "../dom.js";
import { WORDS } from "../words.js";
import { OrderForm } from "./train-form.js";
import { LiveTraining } from "./train-live.js";

const TEXT = WORDS.train;
const EARLIER = 8; // trainings that are listed

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  const part = new TrainPart(root, context);
  await part.open();
}

class TrainPart {
  constructor(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
    this.context = context;
    this.wanted = context.rest[0] ?? "";
    this.live = h("div", { class: "train-live" }, h("p", { class: "muted", role: "status" }, WORDS.loading));
    this.earlier = h("div", { class: "train-earlier" });
    this.place = h("div", { class: "train-place" });
    const head = h("header", {}, h("h1", {}, WORDS.parts.train), h("p", { class: "lede" }, TEXT.lede));
    const side = h("div", { class: "train-side" }, this.live, this.earlier);
    replace(root, h("div", { class: "view" }, head, h("div", { class: "train-page" }, this.place, side)));
    /** @type {LiveTraining | null} */
    this.watched = null;
    context.listen(window, "jobstop", () => this.refresh().catch(complain));
    context.listen(document, "visibilitychange", () => this.watched?.attend());
    context.signal.addEventListener("abort", () => this.watched?.close());
  }

  async open() {
    const { about, signal } = this.context;
    const [options, trainings] = await Promise.all([get("trainings/options", signal), get("trainings", signal)]);
    this.fillForm(about, options);
    this.list(trainings);
    const running = trainings.find((each) => each.how === "running");
    const listed = trainings.find((each) => each.name === this.wanted) ?? (this.wanted ? null : running);
    if (listed) this.watch(listed);
    else if (this.wanted) await this.openByName();
    else replace(this.live, h("p", { class: "empty" }, about.may_change ? TEXT.nothing : TEXT.nothingToSee));
  }

  async openByName() {
    try {
      this.watch(await get(`trainings/${name(this.wanted)}`, this.context.signal));
    } catch (error) {
      if (!this.context.signal.aborted) replace(this.live, notice(error));
    }
  }

  fillForm(/** @type {any} */ about, /** @type {any} */ options) {
    if (!about.may_change) return replace(this.place, empty(WORDS.onlyLooksHelp, "", ""));
    const form = new OrderForm(about, options, this.context.query, {
      start: (order) => this.start(order),
      preview: (order) => post("trainings/preview", order),
      changed: (query) => this.context.keep(this.wanted ? [this.wanted] : [], query),
    });
    replace(this.place, form.root);
  }

  watch(/** @type {any} */ training) {
    this.watched?.close();
    const mayChange = this.context.about.may_change;
    this.watched = new LiveTraining(this.live, training, mayChange, () => this.refresh().catch(complain));
  }

  async refresh() {
    this.list(await get("trainings"));
    dispatchEvent(new Event("jobschange"));
  }

  async start(/** @type {any} */ order) {
    const training = await post("trainings", order);
    this.context.about.runs += 1;
    this.wanted = training.name;
    this.context.keep([training.name], this.context.query);
    this.watch(training);
    this.refresh().catch(complain);
    this.live.scrollIntoView({ block: "nearest" });
  }

  list(/** @type {any[]} */ rows) {
    const entry = (/** @type {any} */ row) => {
      const open = () => {
        this.wanted = row.name;
        this.context.keep([row.name], this.context.query, true);
        this.watch(row);
      };
      const button = h("button", { type: "button", class: "plain", onclick: open }, row.name);
      return h("li", {}, button, h("span", { class: `badge ${row.how}` }, TEXT.how[row.how]));
    };
    const lines = h("ul", { class: "lines" }, rows.slice(0, EARLIER).map(entry));
    replace(this.earlier, rows.length ? [h("h2", {}, TEXT.earlier), lines] : []);
  }
}
