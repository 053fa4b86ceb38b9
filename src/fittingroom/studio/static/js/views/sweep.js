// Sweeps: choose what is varied, start, watch the trials, stop, go on.

import { get, name, post } from "../api.js";
import { complain, empty, h, notice, replace } from "../dom.js";
import { WORDS } from "../words.js";
import { SweepForm } from "./sweep-form.js";
import { LiveSweep } from "./sweep-live.js";

const TEXT = WORDS.sweep;
const EARLIER = 8; // sweeps that are listed

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  const part = new SweepPart(root, context);
  await part.open();
}

class SweepPart {
  constructor(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
    this.context = context;
    this.wanted = context.rest[0] ?? "";
    this.live = h("div", { class: "train-live" }, h("p", { class: "muted", role: "status" }, WORDS.loading));
    this.earlier = h("div", { class: "train-earlier" });
    this.place = h("div", { class: "train-place" });
    const head = h("header", {}, h("h1", {}, WORDS.parts.sweep), h("p", { class: "lede" }, TEXT.lede));
    const side = h("div", { class: "train-side" }, this.live, this.earlier);
    replace(root, h("div", { class: "view" }, head, h("div", { class: "train-page sweep-page" }, this.place, side)));
    /** @type {LiveSweep | null} */
    this.watched = null;
    context.listen(window, "jobstop", () => this.refresh().catch(complain));
    context.listen(window, "themechange", () => this.watched?.showChart());
    context.listen(document, "visibilitychange", () => this.watched?.attend());
    context.signal.addEventListener("abort", () => this.watched?.close());
  }

  async open() {
    const { signal } = this.context;
    const asked = ["trainings/options", "sweeps/options", "sweeps"].map((path) => get(path, signal));
    const [options, more, sweeps] = await Promise.all(asked);
    this.fillForm(options, more);
    this.list(sweeps);
    const running = sweeps.find((each) => each.how === "running");
    await this.openByName(this.wanted || running?.name || "");
  }

  async openByName(/** @type {string} */ wanted) {
    if (!wanted) return this.nothing();
    try {
      this.watch(await get(`sweeps/${name(wanted)}`, this.context.signal));
    } catch (error) {
      if (!this.context.signal.aborted) replace(this.live, notice(error));
    }
  }

  nothing() {
    const words = this.context.about.may_change ? TEXT.nothing : TEXT.nothingToSee;
    replace(this.live, h("p", { class: "empty" }, words));
  }

  fillForm(/** @type {any} */ options, /** @type {any} */ more) {
    const { about, query } = this.context;
    if (!about.may_change) return replace(this.place, empty(WORDS.onlyLooksHelp, "", ""));
    const form = new SweepForm(about, options, more, query, {
      start: (order) => this.start(order),
      changed: (now) => {
        this.query = now;
        this.keep();
      },
    });
    this.query = query;
    replace(this.place, form.root);
  }

  keep(step = false) {
    this.context.keep(this.wanted ? [this.wanted] : [], this.query ?? new URLSearchParams(), step);
  }

  watch(/** @type {any} */ sweep) {
    this.watched?.close();
    const changed = (gone = false) => {
      if (gone) this.leave();
      this.refresh().catch(complain);
    };
    this.watched = new LiveSweep(this.live, sweep, this.context.about.may_change, changed);
  }

  leave() {
    this.wanted = "";
    this.keep();
    this.nothing();
    document.getElementById("main")?.focus({ preventScroll: true });
  }

  async refresh() {
    this.list(await get("sweeps"));
    dispatchEvent(new Event("jobschange"));
  }

  async start(/** @type {any} */ order) {
    const sweep = await post("sweeps", order);
    this.wanted = sweep.name;
    this.keep();
    this.watch(sweep);
    this.refresh().catch(complain);
    this.live.scrollIntoView({ block: "nearest" });
  }

  list(/** @type {any[]} */ rows) {
    const entry = (/** @type {any} */ row) => {
      const open = () => {
        this.wanted = row.name;
        this.keep(true);
        this.openByName(row.name);
      };
      const button = h("button", { type: "button", class: "plain", onclick: open }, row.name);
      const far = h("span", { class: "small muted" }, TEXT.brief(row.ended, row.of));
      return h("li", {}, button, far, h("span", { class: `badge ${row.how}` }, TEXT.how[row.how]));
    };
    const lines = h("ul", { class: "lines" }, rows.slice(0, EARLIER).map(entry));
    replace(this.earlier, rows.length ? [h("h2", {}, TEXT.earlier), lines] : []);
  }
}
