// A part that starts work in a process of its own: the form for it, one job as it goes, and those of before.

import { get, name, post } from "../api.js";
import { complain, empty, h, notice, replace } from "../dom.js";
import { WORDS } from "../words.js";

const EARLIER = 8; // jobs that are listed

/** @typedef {{ close: () => void, attend: () => void, redraw: () => void }} Live a job that is watched */

/**
 * @typedef {object} Kind what a part starts
 * @property {string} path of its jobs in the API
 * @property {string} title
 * @property {any} text its words: lede, nothing, nothingToSee, earlier, how
 * @property {string} layout classes of the page beside the side column
 * @property {string[]} asks the paths whose answers the form needs
 * @property {(answers: any[], part: JobPart) => { root: HTMLElement }} form
 * @property {(root: HTMLElement, job: any, mayChange: boolean, changed: (gone?: boolean) => void) => Live} watch
 * @property {(row: any) => HTMLElement | null} brief what is told of an earlier one beside its state
 */

export class JobPart {
  /**
   * @param {HTMLElement} root
   * @param {import("../router.js").Context} context
   * @param {Kind} kind
   */
  constructor(root, context, kind) {
    this.context = context;
    this.kind = kind;
    this.wanted = context.rest[0] ?? "";
    this.query = context.query;
    this.live = h("div", { class: "train-live" }, h("p", { class: "muted", role: "status" }, WORDS.loading));
    this.earlier = h("div", { class: "train-earlier" });
    this.place = h("div", { class: "train-place" });
    const head = h("header", {}, h("h1", {}, kind.title), h("p", { class: "lede" }, kind.text.lede));
    const side = h("div", { class: "train-side" }, this.live, this.earlier);
    replace(root, h("div", { class: "view" }, head, h("div", { class: kind.layout }, this.place, side)));
    /** @type {Live | null} */
    this.watched = null;
    context.listen(window, "jobstop", () => this.refresh().catch(complain));
    context.listen(window, "themechange", () => this.watched?.redraw());
    context.listen(document, "visibilitychange", () => this.watched?.attend());
    context.signal.addEventListener("abort", () => this.watched?.close());
  }

  async open() {
    const { kind, context } = this;
    const [jobs, ...answers] = await Promise.all([kind.path, ...kind.asks].map((path) => get(path, context.signal)));
    const { may_change: mayChange } = context.about;
    replace(this.place, mayChange ? kind.form(answers, this).root : empty(WORDS.onlyLooksHelp, "", ""));
    this.list(jobs);
    const running = jobs.find((each) => each.how === "running");
    await this.openByName(this.wanted || running?.name || "");
  }

  async openByName(/** @type {string} */ wanted) {
    if (!wanted) return this.nothing();
    try {
      this.watch(await get(`${this.kind.path}/${name(wanted)}`, this.context.signal));
    } catch (error) {
      if (!this.context.signal.aborted) replace(this.live, notice(error));
    }
  }

  nothing() {
    const { nothing, nothingToSee } = this.kind.text;
    replace(this.live, h("p", { class: "empty" }, this.context.about.may_change ? nothing : nothingToSee));
  }

  keep(step = false) {
    this.context.keep(this.wanted ? [this.wanted] : [], this.query, step);
  }

  /** Keep what the form asks for in the address. */
  changed(/** @type {URLSearchParams} */ query) {
    this.query = query;
    this.keep();
  }

  watch(/** @type {any} */ job) {
    this.watched?.close();
    const changed = (gone = false) => {
      if (gone) this.leave();
      this.refresh().catch(complain);
    };
    this.watched = this.kind.watch(this.live, job, this.context.about.may_change, changed);
  }

  leave() {
    this.wanted = "";
    this.keep();
    this.nothing();
    document.getElementById("main")?.focus({ preventScroll: true });
  }

  async refresh() {
    this.list(await get(this.kind.path));
    dispatchEvent(new Event("jobschange"));
  }

  async start(/** @type {any} */ order) {
    const job = await post(this.kind.path, order);
    this.wanted = job.name;
    this.keep();
    this.watch(job);
    this.refresh().catch(complain);
    this.live.scrollIntoView({ block: "nearest" });
  }

  list(/** @type {any[]} */ rows) {
    const { text, brief } = this.kind;
    const entry = (/** @type {any} */ row) => {
      const open = () => {
        this.wanted = row.name;
        this.keep(true);
        this.openByName(row.name);
      };
      const button = h("button", { type: "button", class: "plain", onclick: open }, row.name);
      return h("li", {}, button, brief(row), h("span", { class: `badge ${row.how}` }, text.how[row.how]));
    };
    const lines = h("ul", { class: "lines" }, rows.slice(0, EARLIER).map(entry));
    replace(this.earlier, rows.length ? [h("h2", {}, text.earlier), lines] : []);
  }
}

/** A job's numbers, as rows for a list of definitions; what is null has none. */
export function numberRows(/** @type {(string[] | null)[]} */ facts) {
  const shown = /** @type {string[][]} */ (facts.filter(Boolean));
  return shown.map(([words, value]) => h("div", {}, h("dt", {}, words), h("dd", {}, value)));
}

/**
 * A button for one act: it waits until that is done, and says what went wrong.
 * @param {string} words
 * @param {string} look its classes
 * @param {() => Promise<void>} act
 */
export function actButton(words, look, act) {
  const button = h("button", { type: "button", class: look }, words);
  button.addEventListener("click", async () => {
    button.disabled = true;
    await act().catch(complain);
    button.disabled = false;
  });
  return button;
}
