import assert from "node:assert/strict";
import test from "node:test";

import { duration, grouped, order, percent, readable, step } from "../../../src/fittingroom/studio/static/js/format.js";
import { halve } from "../../../src/fittingroom/studio/static/js/store.js";
import { fitted, forOtherData, queryOf, stateOf } from "../../../src/fittingroom/studio/static/js/views/data-state.js";
import { cutOut } from "../../../src/fittingroom/studio/static/js/views/drawn-pixels.js";
import { asAsked, orderOf, queryOfOrder, typed } from "../../../src/fittingroom/studio/static/js/views/train-order.js";

const KNOB = { name: "epochs", kind: "int", choices: [], can_be_auto: false, can_be_none: false };
const query = (state) => new URLSearchParams(queryOf(state));

test("numbers are short and read well", () => {
  assert.deepEqual([duration(3.2), duration(89), duration(120), duration(7200)], ["4 s", "89 s", "2 min", "2.0 h"]);
  assert.deepEqual([percent(0.8749), percent(0.8749, 2), grouped(70_000)], ["87 %", "87.49 %", "70,000"]);
  assert.equal(readable("learning_rate"), "Learning rate");
  assert.deepEqual(
    [0, 0.1, 0.2, 9].map((value) => step([0.1, 0.5], value)),
    [0, 0, 1, 2],
  );
  assert.deepEqual([3, null, 1, undefined, 2].sort(order), [null, 1, 2, 3, undefined]);
});

test("what is shown of a dataset comes back from the address", () => {
  const plain = stateOf([], new URLSearchParams(), "bars");
  assert.deepEqual(queryOf(plain), { dataset: "bars" });
  const state = { ...plain, arrange: "map", model: "run/a b", group: "right", label: "3", selected: "AQI", open: 650 };
  assert.deepEqual(stateOf(["650"], query(state), "other"), state);
});

test("an address that asks for what there is not is read as far as it goes", () => {
  const state = stateOf(["-1"], new URLSearchParams("group=nothing&order=loss&colour=&split=validation"), "bars");
  assert.deepEqual(
    [state.group, state.order, state.colour, state.split, state.open],
    ["label", "loss", "none", "", null],
  );
});

test("without answers nothing is grouped, ordered, coloured or filtered by them; with them it is again", () => {
  const choices = { group: "right", order: "loss", colour: "confidence", verdict: "wrong" };
  const wished = { ...stateOf([], new URLSearchParams(), "bars"), ...choices };
  const size = { classes: 10, count: 840 };
  const now = fitted(wished, size);
  assert.deepEqual([now.group, now.order, now.colour, now.verdict], ["label", "index", "none", "all"]);
  assert.deepEqual(fitted({ ...wished, answers: {} }, size), { ...wished, answers: {} });
});

test("a class or an image that other data do not have is let go", () => {
  const state = { ...stateOf(["900"], new URLSearchParams("label=12"), "bars"), answers: null };
  const now = fitted(state, { classes: 10, count: 840 });
  assert.deepEqual([now.label, now.open], ["", null]);
  const other = forOtherData({ ...state, model: "run/a", arrange: "map", group: "right", colour: "loss" }, "mnist");
  assert.deepEqual([other.dataset, other.arrange, other.model], ["mnist", "map", ""]);
  assert.deepEqual([other.group, other.colour], ["label", "none"]);
});

test("an order for a training comes back from the address, and goes to the server as plain values", () => {
  const order = orderOf(new URLSearchParams("recipe=92&seed=7&validation=&set.epochs=3&set.other=1"), "bars", [KNOB]);
  assert.deepEqual(order.settings, { epochs: 3 });
  assert.equal(queryOfOrder(order, "bars").toString(), "recipe=92&seed=7&validation=&set.epochs=3");
  assert.deepEqual(asAsked(order), {
    ...{
      dataset: "bars",
      recipe: "92",
      model: "walkthrough",
      settings: { epochs: 3 },
      seed: 7,
      validation: null,
      edits: "",
    },
  });
});

test("what is typed is a number where it is one, and otherwise as it was typed", () => {
  assert.equal(typed(KNOB, " 12 "), 12);
  assert.equal(typed(KNOB, "many"), "many");
  assert.equal(typed({ ...KNOB, can_be_auto: true }, ""), "auto");
  assert.equal(typed({ ...KNOB, can_be_none: true }, "none"), null);
  assert.equal(typed({ ...KNOB, kind: "bool" }, "false"), false);
  assert.equal(typed({ ...KNOB, kind: "str" }, " sgd "), "sgd");
});

test("a smaller level's pixels are means of four, at odd edges of those there are", () => {
  const from = { height: 3, width: 3, pixels: Uint8Array.from([0, 4, 8, 4, 8, 16, 100, 200, 50]) };
  const to = { height: 2, width: 2, pixels: new Uint8Array(4) };
  halve(from, to, 0, 1);
  assert.deepEqual([...to.pixels], [4, 12, 150, 50]);
});

function canvas(size, isInk) {
  const data = new Uint8ClampedArray(4 * size * size);
  for (let at = 0; at < size * size; at++) data[4 * at] = isInk(at % size, Math.floor(at / size)) ? 255 : 0;
  return data;
}

test("a drawing is cut out, enlarged to its longest edge and centred", () => {
  const tall = cutOut(
    canvas(100, (x, y) => x >= 40 && x < 50 && y >= 10 && y < 50),
    100,
    28,
  );
  const rows = Array.from({ length: 28 }, (_, row) => tall.slice(28 * row, 28 * row + 28));
  assert.ok(rows[0].some((grey) => grey > 200) && rows[27].some((grey) => grey > 200), "from top to bottom");
  const filled = rows[14].map((grey) => Number(grey > 128));
  assert.equal(filled.indexOf(1) + filled.lastIndexOf(1), 27, "in the middle");
  assert.deepEqual([...cutOut(canvas(100, () => false), 100, 28)], Array(784).fill(0)); // prettier-ignore
});
