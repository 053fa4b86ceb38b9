// One sweep as it goes: trials, the best so far, what each worker is at; stop, go on, and what came out.

import { formatHash } from "../address.js";
import { get, name, post, remove } from "../api.js";
import { drawChart } from "../charts.js";
import { ask, field, h, replace, segments } from "../dom.js";
import { WORDS } from "../words.js";
import { actButton, numberRows } from "./job-part.js";
import { trainQuery } from "./sweep-order.js";
import { jobTable, trialTable } from "./sweep-tables.js";
import { bestOf, count, curveOf, settingWords, share, withAddress } from "./sweep-values.js";

const TEXT = WORDS.sweep;
const PAUSE = 1000; // milliseconds between two looks at a sweep that is under way

export class LiveSweep {
  /**
   * @param {HTMLElement} root
   * @param {any} sweep as the server tells it
   * @param {boolean} mayChange
   * @param {(gone?: boolean) => void} changed told when it starts, stops or ends, or is gone
   */
  constructor(root, sweep, mayChange, changed) {
    this.root = root;
    this.sweep = sweep;
    this.mayChange = mayChange;
    this.changed = changed;
    this.order = "best";
    this.isClosed = false;
    this.shown = "";
    /** @type {number | undefined} */
    this.timer = undefined;
    this.said = h("p", { class: "small muted", role: "status" });
    this.head = h("div", { class: "live-head" });
    this.bar = h("progress", { max: "1", value: "0", "aria-label": TEXT.progress });
    this.numbers = h("dl", { class: "numbers" });
    this.chart = h("div", { class: "curves one" });
    this.result = h("div", { class: "sweep-result" });
    this.jobs = h("div", { class: "sweep-jobs" });
    this.table = h("div", { class: "sweep-trials" });
    const orders = /** @type {[string, string][]} */ (Object.entries(TEXT.orders));
    const choose = (/** @type {string} */ key) => ((this.order = key), this.showTable());
    this.choice = segments(TEXT.order, orders, this.order, choose).root;
    const trials = h("div", { class: "sweep-table-head" }, h("h3", {}, TEXT.table), this.choice);
    this.list = h("section", {}, trials, this.table);
    const parts = [this.head, this.said, this.bar, this.numbers, this.result, this.jobs, this.chart, this.list];
    replace(root, parts);
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.chart);
    this.show(sweep);
    this.attend();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.observer.disconnect();
  }

  // Ask again while it is under way, and somebody sees the page.
  attend() {
    clearTimeout(this.timer);
    if (this.isClosed || document.visibilityState === "hidden" || this.sweep.how !== "running") return;
    this.timer = window.setTimeout(() => this.look(), PAUSE);
  }

  async look() {
    const before = this.sweep.how;
    try {
      const told = await get(`sweeps/${name(this.sweep.name)}`);
      if (this.isClosed) return;
      this.show(told);
      if (told.how !== before) this.changed();
    } catch (error) {
      if (this.isClosed) return;
      this.said.textContent = /** @type {Error} */ (error).message;
    }
    this.attend();
  }

  show(/** @type {any} */ sweep) {
    const asText = JSON.stringify(sweep);
    if (asText === this.shown) return;
    const isOther = this.sweep.how !== sweep.how || !this.shown;
    this.shown = asText;
    this.sweep = sweep;
    this.bar.value = share(sweep);
    if (isOther) this.showHead();
    this.tell(sweep.words || sweep.said);
    this.showNumbers();
    this.showResult();
    replace(this.jobs, sweep.jobs.length ? [this.workers(), jobTable(sweep.jobs)] : []);
    this.redraw();
    this.showTable();
  }

  tell(/** @type {string} */ words) {
    if (this.isStopping && this.sweep.how === "running") return;
    this.isStopping = false;
    if (this.said.textContent !== words) this.said.textContent = words;
  }

  workers() {
    const title = h("h3", {}, TEXT.underWay);
    const parts = withAddress(this.sweep.workers);
    if (!parts) return title;
    const link = h("a", { href: parts[1], target: "_blank", rel: "noreferrer" }, parts[1]);
    return [title, h("p", { class: "small muted" }, parts[0], link, parts[2])];
  }

  showHead() {
    const { sweep } = this;
    const badge = h("span", { class: `badge ${sweep.how}` }, TEXT.how[sweep.how]);
    const varied = Object.entries(sweep.asked.varied ?? {});
    const words = varied.length ? h("p", { class: "small muted" }, TEXT.variedWords(varied)) : null;
    const buttons = h("div", { class: "row" }, this.buttons());
    replace(this.head, h("div", {}, h("h2", {}, sweep.name), badge, words), buttons);
  }

  buttons() {
    const { how, can_go_on: canGoOn, name: sweep } = this.sweep;
    if (!this.mayChange) return [];
    if (how === "running") return [actButton(TEXT.stop, "danger", () => this.stop())];
    const goOn = () => this.act(post(`sweeps/${name(sweep)}/resume`));
    return [
      canGoOn ? actButton(TEXT.resume, "primary", goOn) : null,
      actButton(TEXT.delete, "plain wrong", () => this.delete()),
    ];
  }

  async act(/** @type {Promise<any>} */ answer) {
    this.show(await answer);
    this.changed();
    this.attend();
  }

  async stop() {
    await post(`sweeps/${name(this.sweep.name)}/stop`);
    this.isStopping = true;
    this.said.textContent = TEXT.stopping;
    this.attend();
  }

  async delete() {
    const body = TEXT.deleteBody(this.sweep.name);
    if (!(await ask({ title: TEXT.deleteTitle, body, yes: TEXT.delete, no: WORDS.cancel }))) return;
    await remove(`sweeps/${name(this.sweep.name)}`);
    this.close();
    this.changed(true);
  }

  showNumbers() {
    const { trials, ended, of, finals, best } = this.sweep;
    const [early, failed] = [count(trials, "stopped early"), count(trials, "failed")];
    const facts = [
      [TEXT.best, typeof best === "number" ? best.toFixed(4) : "–"],
      [TEXT.ended, of === null ? String(ended) : TEXT.of(ended, of)],
      early ? [TEXT.early, String(early)] : null,
      failed ? [TEXT.failed, String(failed)] : null,
      finals ? [TEXT.finals, TEXT.of(finals.ended, finals.of)] : null,
    ];
    replace(this.numbers, numberRows(facts));
  }

  showResult() {
    const { result, has_page: hasPage, asked, name: sweep, how } = this.sweep;
    if (!result || how === "running") return replace(this.result, []);
    const href = `api/sweeps/${name(sweep)}/page`;
    const page = hasPage ? h("a", { class: "button primary", href, target: "_blank" }, TEXT.page) : null;
    const train = h(
      "a",
      { class: "button", href: formatHash("train", [], trainQuery(asked, result.best)) },
      TEXT.train,
    );
    const sentences = [...result.sentences, TEXT.settings(settingWords(result.best))];
    replace(
      this.result,
      h("h3", {}, TEXT.result),
      sentences.map((/** @type {string} */ words) => h("p", {}, words)),
      h("div", { class: "row" }, page, this.mayChange ? train : null),
      this.mayChange && asked.sampler !== "grid" ? this.adder() : null,
    );
  }

  adder() {
    const { of, name: sweep } = this.sweep;
    const input = h("input", { inputmode: "numeric", value: String(Number(of) * 2), autocomplete: "off" });
    const add = () => {
      const wanted = Number(input.value);
      return this.act(post(`sweeps/${name(sweep)}/resume`, { trials: Number.isNaN(wanted) ? input.value : wanted }));
    };
    return h("div", { class: "adder" }, field(TEXT.more, input), actButton(TEXT.addMore, "", add));
  }

  redraw() {
    const { trials, of } = this.sweep;
    if (!trials.length) return replace(this.chart, []);
    const { done, early, best } = curveOf(trials);
    const lines = /** @type {import("../charts.js").Line[]} */ ([
      { kind: "line", colour: "train", name: TEXT.bestSoFar, points: best },
      { kind: "dots", colour: "early", name: TEXT.stoppedEarly, points: early },
      { kind: "dots", colour: "held-out", name: TEXT.trial, points: done },
    ]);
    const until = Math.max(trials.length, Number(of) || 0);
    const chart = { title: TEXT.chart, axis: TEXT.axis, until, digits: 3, lines };
    replace(this.chart, drawChart(chart, this.chart.clientWidth));
  }

  showTable() {
    const { trials } = this.sweep;
    this.list.hidden = !trials.length;
    replace(this.table, trialTable(trials, this.order, bestOf(trials)?.trial ?? ""));
  }
}
