// The runs: a table to sort, compare and clear out.

import { get, name, post, remove } from "../api.js";
import { ask, h, replace, toast } from "../dom.js";
import { WORDS } from "../words.js";
import { duration } from "./train-live.js";

const TEXT = WORDS.runs;
const COLUMNS = ["name", "dataset", "model", "test_accuracy", "val_accuracy", "epochs", "seconds"];
const NUMBERS = new Set(["test_accuracy", "val_accuracy", "epochs", "seconds"]);
const ON_A_PHONE = new Set(["name", "test_accuracy"]); // the others are hidden there

export async function mount(root) {
  const state = { rows: await get("runs"), by: "name", down: true, chosen: new Set() };
  const place = h("div", { class: "scroll" });
  const compare = h("a", { class: "button", role: "link", "aria-disabled": "true" }, TEXT.compare);
  replace(
    root,
    h(
      "section",
      { class: "view" },
      h("header", {}, h("h1", {}, WORDS.parts.runs), h("p", { class: "lede" }, TEXT.lede)),
      h("div", { class: "row runs-bar" }, compare, h("span", { class: "muted small" }, TEXT.compareHelp)),
      place,
    ),
  );

  function show() {
    const sorted = [...state.rows].sort((a, b) => order(a[state.by], b[state.by]) * (state.down ? -1 : 1));
    replace(
      place,
      state.rows.length
        ? h("table", { class: "runs" }, head(), h("tbody", {}, sorted.map(line)))
        : h("p", { class: "empty" }, TEXT.none),
    );
    const two = [...state.chosen];
    if (two.length === 2) compare.href = `#/look/${name(two[0])}?against=${name(two[1])}`;
    else compare.removeAttribute("href");
    compare.setAttribute("aria-disabled", String(two.length !== 2));
  }

  function head() {
    const cell = (key) => {
      const sorted = state.by === key;
      const button = h(
        "button",
        {
          type: "button",
          class: "sort",
          onclick: () => (Object.assign(state, { down: sorted ? !state.down : true, by: key }), show()),
        },
        TEXT.columns[key],
        sorted ? (state.down ? " ↓" : " ↑") : "",
      );
      return h(
        "th",
        { scope: "col", class: kind(key), "aria-sort": sorted ? (state.down ? "descending" : "ascending") : "none" },
        button,
      );
    };
    return h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, h("span", { class: "hush" }, TEXT.choose)),
        COLUMNS.map(cell),
        h("th", { scope: "col" }, h("span", { class: "hush" }, TEXT.actions)),
      ),
    );
  }

  function line(run) {
    const box = h("input", {
      type: "checkbox",
      "aria-label": TEXT.chooseRun(run.name),
      checked: state.chosen.has(run.name),
      disabled: !run.has_predictions,
    });
    box.addEventListener("change", () => {
      if (box.checked) state.chosen.add(run.name);
      else state.chosen.delete(run.name);
      if (state.chosen.size > 2) state.chosen.delete([...state.chosen][0]);
      show();
    });
    const title = h(
      "th",
      { scope: "row" },
      h("a", { href: `#/look/${name(run.name)}` }, run.name),
      h("small", {}, run.error ?? recipe(run)),
    );
    if (run.error)
      return h(
        "tr",
        {},
        h("td", {}, box),
        title,
        COLUMNS.slice(1).map((key) => h("td", { class: kind(key) })),
        h("td", { class: "actions" }, deleteButton(run)),
      );
    const score =
      run.test_accuracy === null
        ? "–"
        : [
            run.test_accuracy.toFixed(4),
            h("small", {}, TEXT.interval(...run.test_interval.map((value) => value.toFixed(4)))),
          ];
    const shown = {
      dataset: run.dataset,
      model: run.model,
      test_accuracy: score,
      val_accuracy: run.val_accuracy?.toFixed(4) ?? "–",
      epochs: run.epochs,
      seconds: duration(run.seconds),
    };
    return h(
      "tr",
      {},
      h("td", {}, box),
      title,
      COLUMNS.slice(1).map((key) => h("td", { class: kind(key) }, shown[key])),
      h("td", { class: "actions" }, pageButton(run), deleteButton(run)),
    );
  }

  const kind = (key) => [NUMBERS.has(key) ? "n" : "", ON_A_PHONE.has(key) ? "" : "more"].join(" ").trim();
  const recipe = (run) =>
    Object.entries(run.recipe)
      .filter(([key]) => key !== "model")
      .map(([key, value]) => `${key} ${value}`)
      .join(", ") || TEXT.defaults;

  function pageButton(run) {
    const button = h(
      "button",
      { type: "button", class: "plain" },
      TEXT.page,
      h("span", { class: "hush" }, ` ${run.name}`),
    );
    button.addEventListener("click", async () => {
      button.disabled = true;
      const tab = open("about:blank", "_blank");
      try {
        const { page } = await post(`runs/${name(run.name)}/page`);
        if (tab) tab.location = page;
      } catch (error) {
        tab?.close();
        toast(error.message);
      }
      button.disabled = false;
    });
    return button;
  }

  function deleteButton(run) {
    return h(
      "button",
      {
        type: "button",
        class: "plain wrong",
        onclick: async () => {
          if (
            !(await ask({
              title: TEXT.deleteTitle,
              body: TEXT.deleteBody(run.name),
              yes: TEXT.delete,
              no: WORDS.cancel,
            }))
          )
            return;
          try {
            await remove(`runs/${name(run.name)}`);
            state.rows = state.rows.filter((each) => each !== run);
            state.chosen.delete(run.name);
            show();
          } catch (error) {
            toast(error.message);
          }
        },
      },
      TEXT.delete,
      h("span", { class: "hush" }, ` ${run.name}`),
    );
  }

  show();
}

function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
