// One training as it goes: curves, pace, time left; stop and resume.

import { formatHash } from "../address.js";
import { get, name, post } from "../api.js";
import { drawChart } from "../charts.js";
import { Curves } from "../curves.js";
import { h, replace } from "../dom.js";
import { duration, grouped } from "../format.js";
import { WORDS } from "../words.js";
import { actButton, numberRows } from "./job-part.js";

const TEXT = WORDS.train;
const RETRY = 2000; // milliseconds until a studio that did not answer is asked again

export class LiveTraining {
  /**
   * @param {HTMLElement} root
   * @param {any} training as the server tells it
   * @param {boolean} mayChange
   * @param {() => void} changed told when it starts, stops or ends
   */
  constructor(root, training, mayChange, changed) {
    this.root = root;
    this.training = training;
    this.mayChange = mayChange;
    this.changed = changed;
    this.said = h("p", { class: "small muted", role: "status" });
    this.head = h("div", { class: "live-head" });
    this.numbers = h("dl", { class: "numbers" });
    this.bar = h("progress", { max: "1", value: "0", "aria-label": TEXT.progress });
    this.charts = h("div", { class: "curves" });
    this.curves = new Curves();
    this.seen = 0; // lines of progress
    this.asked = 0;
    this.isClosed = false;
    /** @type {EventSource | null} */
    this.source = null;
    replace(root, this.head, this.bar, this.numbers, this.charts, this.said);
    this.observer = new ResizeObserver(() => this.redraw());
    this.observer.observe(this.charts);
    this.showHead();
    this.attend();
  }

  close() {
    this.isClosed = true;
    this.hangUp();
    this.observer.disconnect();
    cancelAnimationFrame(this.asked);
  }

  // A browser keeps six connections to a studio at most, for all its tabs together. So a tab that nobody sees lets its
  // own go, and takes up where it was when it is seen again.
  attend() {
    if (this.isClosed) return;
    if (document.visibilityState === "hidden") this.hangUp();
    else if (!this.source) this.listen();
  }

  hangUp() {
    this.source?.close();
    this.source = null;
  }

  begin() {
    this.hangUp();
    this.seen = 0;
    this.curves.clear();
    this.listen();
  }

  listen() {
    const source = new EventSource(`api/trainings/${name(this.training.name)}/events?after=${this.seen}`);
    this.source = source;
    const line = (/** @type {MessageEvent} */ event) => {
      this.seen = Number(event.lastEventId);
      return JSON.parse(event.data);
    };
    source.addEventListener("progress", (event) => this.take(line(event)));
    source.addEventListener("says", (event) => (this.said.textContent = line(event).words));
    source.addEventListener("end", line);
    source.addEventListener("state", (event) => {
      source.close();
      this.training = JSON.parse(event.data);
      this.showHead();
      this.redraw();
      this.changed();
    });
    source.onerror = () => this.lost(source);
  }

  async lost(/** @type {EventSource} */ source) {
    source.close();
    if (this.isClosed || this.source !== source) return;
    this.said.textContent = WORDS.offline;
    await new Promise((resolve) => setTimeout(resolve, RETRY));
    if (this.isClosed || this.source !== source) return;
    try {
      await get("about");
      this.said.textContent = "";
      this.hangUp();
      this.attend();
    } catch {
      this.lost(source);
    }
  }

  take(/** @type {any} */ line) {
    this.curves.take(line);
    if (this.said.textContent !== TEXT.stopping) this.said.textContent = "";
    this.redraw();
  }

  redraw() {
    this.asked ||= requestAnimationFrame(() => {
      this.asked = 0;
      this.show();
    });
  }

  showHead() {
    const { training } = this;
    const badge = h("span", { class: `badge ${training.how}` }, TEXT.how[training.how]);
    const buttons = h("div", { class: "row" }, this.buttons());
    replace(this.head, h("div", {}, h("h2", {}, training.name), badge), buttons);
    if (training.words) this.said.textContent = training.words;
  }

  show() {
    const last = /** @type {any} */ (this.curves.last);
    if (!last) return;
    this.bar.value = (last.epoch - 1 + last.images / last.total) / last.epochs;
    this.showNumbers(last);
    const { points } = this.curves;
    const lines = (/** @type {string} */ key) => [
      { kind: "line", colour: "train", name: TEXT.onTrain, points: points[key] },
      { kind: "dots", colour: "held-out", name: TEXT.onValidation, points: points[`val_${key}`] },
    ];
    const columns = getComputedStyle(this.charts).gridTemplateColumns.split(" ");
    const width = parseFloat(columns[0]) || this.charts.clientWidth;
    const chart = (/** @type {any} */ of) => drawChart({ until: last.epochs, axis: TEXT.axis, ...of }, width);
    const loss = chart({ title: TEXT.loss, floor: 0, lines: lines("loss") });
    replace(this.charts, loss, chart({ title: TEXT.accuracy, lines: lines("accuracy") }));
  }

  showNumbers(/** @type {any} */ last) {
    const validated = this.curves.points.val_accuracy.at(-1);
    const left = last.seconds_left === null ? "–" : duration(last.seconds_left);
    const facts = [
      [TEXT.epoch, TEXT.of(last.epoch, last.epochs)],
      [TEXT.loss, last.loss.toFixed(4)],
      [TEXT.accuracy, last.accuracy.toFixed(4)],
      validated ? [TEXT.valAccuracy, validated[1].toFixed(4)] : null,
      [TEXT.pace, TEXT.images(grouped(Math.round(last.images_per_second)))],
      this.training.how === "running" ? [TEXT.left, left] : null,
    ];
    replace(this.numbers, numberRows(facts));
  }

  buttons() {
    const { how, can_resume: canResume, name: training } = this.training;
    const isOver = how === "done" || how === "stopped";
    const look = isOver ? h("a", { class: "button", href: formatHash("look", [training]) }, TEXT.look) : null;
    if (!this.mayChange) return [look];
    if (how === "running") return [actButton(TEXT.stop, "danger", () => this.act("stop"))];
    return [canResume ? actButton(TEXT.resume, "primary", () => this.act("resume")) : null, look];
  }

  async act(/** @type {"stop" | "resume"} */ path) {
    this.training = await post(`trainings/${name(this.training.name)}/${path}`);
    if (path === "stop") this.said.textContent = TEXT.stopping;
    else {
      this.said.textContent = "";
      this.showHead();
      this.begin();
    }
    this.changed();
  }
}
