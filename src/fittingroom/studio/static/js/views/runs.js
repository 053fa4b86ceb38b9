// The runs: a table to sort, compare and clear out.

import { formatHash } from "../address.js";
import { get, name, post, remove } from "../api.js";
import { ask, commands, complain, empty, h, replace } from "../dom.js";
import { duration, order } from "../format.js";
import { WORDS } from "../words.js";
import { mountClass } from "./class-table.js";
import { shareMenu } from "./share-menu.js";

const TEXT = WORDS.runs;
const COLUMNS = ["name", "dataset", "model", "test_accuracy", "val_accuracy", "epochs", "seconds"];
const NUMBERS = new Set(["test_accuracy", "val_accuracy", "epochs", "seconds"]);
const LEFT_OUT = {
  ...{ dataset: "on-wide", model: "on-wide" },
  ...{ epochs: "on-middle", seconds: "on-middle", val_accuracy: "on-narrow" },
};

export async function mount(/** @type {HTMLElement} */ root, /** @type {import("../router.js").Context} */ context) {
  if (context.rest[0] === "class") return mountClass(root, context);
  const table = new RunTable(context, await get("runs", context.signal));
  const lede = h("p", { class: "lede" }, TEXT.lede);
  const asClass = h("p", { class: "small" }, h("a", { href: formatHash("runs", ["class"]) }, TEXT.class));
  const header = h("header", {}, h("h1", {}, WORDS.parts.runs), lede, asClass);
  replace(root, h("div", { class: "view" }, header, table.root));
}

class RunTable {
  constructor(/** @type {import("../router.js").Context} */ context, /** @type {any[]} */ rows) {
    const { query } = context;
    this.context = context;
    this.rows = rows;
    const by = query.get("sort") ?? "name";
    this.by = COLUMNS.includes(by) ? by : "name";
    this.down = query.get("order") !== "up";
    this.chosen = new Set(query.getAll("choose").filter((each) => rows.some((run) => run.name === each)));
    this.root = h("div", { class: "runs-part" });
    this.show();
  }

  // Show it as it is now; what is chosen and sorted by is kept in the address.
  show() {
    const query = new URLSearchParams();
    if (this.by !== "name") query.set("sort", this.by);
    if (!this.down) query.set("order", "up");
    for (const each of this.chosen) query.append("choose", each);
    this.context.keep([], query);
    if (!this.rows.length) return replace(this.root, empty(TEXT.none, WORDS.trainOne, formatHash("train")));
    const sorted = [...this.rows].sort((a, b) => order(a[this.by], b[this.by]) * (this.down ? -1 : 1));
    const body = h("tbody", {}, sorted.map((run) => this.line(run))); // prettier-ignore
    replace(this.root, this.compare(), h("div", { class: "scroll" }, h("table", { class: "runs" }, this.head(), body)));
  }

  compare() {
    const [first, second] = this.chosen;
    const isReady = this.chosen.size === 2;
    const href = isReady ? formatHash("look", [first], { against: second }) : null;
    const link = h("a", { class: "button", role: "link", href, "aria-disabled": String(!isReady) }, TEXT.compare);
    return h("div", { class: "row runs-bar" }, link, h("span", { class: "muted small" }, TEXT.compareHelp));
  }

  head() {
    const cell = (/** @type {string} */ key) => {
      const sorted = this.by === key;
      const arrow = sorted ? (this.down ? " ↓" : " ↑") : "";
      const button = h("button", { type: "button", class: "sort", "aria-label": TEXT.columns[key] });
      button.append(TEXT.columns[key], arrow);
      button.addEventListener("click", () => this.sort(key));
      const ordered = sorted ? (this.down ? "descending" : "ascending") : "none";
      return h("th", { scope: "col", class: kind(key), "aria-sort": ordered }, button);
    };
    const hidden = (/** @type {string} */ words) => h("th", { scope: "col" }, h("span", { class: "hush" }, words));
    return h("thead", {}, h("tr", {}, hidden(TEXT.choose), COLUMNS.map(cell), hidden(TEXT.actions)));
  }

  sort(/** @type {string} */ key) {
    this.down = this.by === key ? !this.down : true;
    this.by = key;
    this.show();
  }

  line(/** @type {any} */ run) {
    const title = h("th", { scope: "row" }, h("a", { href: formatHash("look", [run.name]) }, run.name));
    title.append(h("small", {}, run.error ? commands(run.error) : recipeOf(run)));
    if (!run.error) title.append(h("small", { class: "narrow" }, `${run.dataset} · ${run.model}`));
    const cells = COLUMNS.slice(1).map((key) => h("td", { class: kind(key) }, run.error ? "" : shown(run, key)));
    const mayChange = this.context.about.may_change;
    const actions = mayChange
      ? [run.error ? null : this.shareMenu(run), run.error ? null : this.pageButton(run), this.deleteButton(run)]
      : [run.has_page ? pageLink(run) : null];
    return h("tr", {}, h("td", {}, this.box(run)), title, cells, h("td", { class: "actions" }, actions));
  }

  box(/** @type {any} */ run) {
    const state = { checked: this.chosen.has(run.name), disabled: !run.has_predictions };
    const box = h("input", { type: "checkbox", "aria-label": TEXT.chooseRun(run.name), ...state });
    box.addEventListener("change", () => {
      if (box.checked) this.chosen.add(run.name);
      else this.chosen.delete(run.name);
      if (this.chosen.size > 2) this.chosen.delete([...this.chosen][0]);
      this.show();
    });
    return box;
  }

  shareMenu(/** @type {any} */ run) {
    const kinds = ["page", "onnx", "keras", ...(run.has_predictions ? ["predictions"] : [])];
    return shareMenu(() => `run/${run.name}`, run.name, kinds);
  }

  pageButton(/** @type {any} */ run) {
    const button = h("button", { type: "button", class: "plain" }, TEXT.page, hush(run.name));
    button.addEventListener("click", async () => {
      button.disabled = true;
      const tab = open("about:blank", "_blank");
      try {
        const { page } = await post(`runs/${name(run.name)}/page`);
        if (tab) tab.location = new URL(page, document.baseURI).href;
      } catch (error) {
        tab?.close();
        complain(error);
      }
      button.disabled = false;
      button.focus();
    });
    return button;
  }

  deleteButton(/** @type {any} */ run) {
    const button = h("button", { type: "button", class: "plain wrong" }, TEXT.delete, hush(run.name));
    button.addEventListener("click", async () => {
      const question = { title: TEXT.deleteTitle, body: TEXT.deleteBody(run.name), yes: TEXT.delete, no: WORDS.cancel };
      if (!(await ask(question))) return;
      try {
        await remove(`runs/${name(run.name)}`);
        this.rows = this.rows.filter((each) => each !== run);
        this.chosen.delete(run.name);
        this.show();
      } catch (error) {
        complain(error);
      }
    });
    return button;
  }
}

const pageLink = (/** @type {any} */ run) =>
  h("a", { href: `api/runs/${name(run.name)}/page`, target: "_blank" }, TEXT.page, hush(run.name));

const hush = (/** @type {string} */ words) => h("span", { class: "hush" }, ` ${words}`);

const kind = (/** @type {string} */ key) => [NUMBERS.has(key) ? "n" : "", LEFT_OUT[key] ?? ""].join(" ").trim();

function shown(/** @type {any} */ run, /** @type {string} */ key) {
  if (key === "seconds") return duration(run.seconds);
  if (key === "val_accuracy") return run.val_accuracy?.toFixed(4) ?? "–";
  if (key !== "test_accuracy") return run[key];
  if (run.test_accuracy === null) return "–";
  const [low, high] = run.test_interval.map((/** @type {number} */ value) => value.toFixed(4));
  return [run.test_accuracy.toFixed(4), h("small", {}, TEXT.interval(low, high))];
}

function recipeOf(/** @type {any} */ run) {
  const changes = Object.entries(run.recipe).filter(([key]) => key !== "model");
  return changes.map(([key, value]) => `${key} ${value}`).join(", ") || TEXT.defaults;
}
