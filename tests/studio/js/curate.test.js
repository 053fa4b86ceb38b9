import assert from "node:assert/strict";
import test from "node:test";

import { firstTwo, largest, readMaps, tint, why } from "../../../src/fittingroom/studio/static/js/attribution.js";
import {
  actionOf,
  allTagged,
  classOf,
  nextOf,
  queryOf,
  showsFor,
  shownItems,
  stateOf,
  stepOf,
} from "../../../src/fittingroom/studio/static/js/views/curate-state.js";

const item = (image, edit = "", more = {}) => ({ image, edit, tags: [], given: 0, reason: "", ...more });
const fresh = (image) => item(image);
const ITEMS = [
  item(17, "relabel bar 3", { reason: "label: networks say bar 3; 2 of the 20 most similar are bar 7" }),
  item(50, "", { reason: "duplicate with another label: nearly the same as train 211; odd: far" }),
  item(101, "exclude", { tags: ["zip"], reason: "label: networks say bar 9" }),
  item(3, "keep", { tags: ["zip"], reason: "chosen by hand" }),
];

test("what is curated comes back from the address", () => {
  const plain = stateOf([], new URLSearchParams(), "bars");
  assert.deepEqual(queryOf(plain), { dataset: "bars" });
  const state = { ...plain, sheet: "audit/bars-90", show: "tag:two words", view: "sheet", before: "a", at: 17 };
  assert.deepEqual(stateOf(["17"], new URLSearchParams(queryOf(state)), "other"), state);
});

test("a selection is shown as a sheet, unless the address says otherwise", () => {
  const state = stateOf([], new URLSearchParams("selected=AQI"), "bars");
  assert.deepEqual([state.show, state.view], ["selection", "sheet"]);
  assert.deepEqual(queryOf(state), { dataset: "bars", selected: "AQI" });
  const other = stateOf([], new URLSearchParams("selected=AQI&show=todo&view=one"), "bars");
  assert.deepEqual([other.show, other.view], ["todo", "one"]);
  assert.deepEqual(stateOf([], new URLSearchParams(queryOf(other)), "bars"), other);
});

test("an address that asks for what there is not is read as far as it goes", () => {
  const state = stateOf(["-1"], new URLSearchParams("show=selection&view=three"), "bars");
  assert.deepEqual([state.show, state.view, state.at], ["all", "one", null]);
});

test("pictures are shown by what was decided, by why they are suspect, by tag, or as a selection", () => {
  const shown = (show, chosen = []) => shownItems(ITEMS, show, chosen, fresh).map((each) => each.image);
  assert.deepEqual(shown("all"), [17, 50, 101, 3]);
  assert.deepEqual([shown("todo"), shown("kept"), shown("excluded"), shown("relabelled")], [[50], [3], [101], [17]]);
  assert.deepEqual([shown("label"), shown("duplicate"), shown("odd")], [[17, 101], [50], [50]]);
  assert.deepEqual(shown("tag:zip"), [101, 3]);
  assert.deepEqual(shown("selection", [9, 17]), [9, 17]);
  assert.deepEqual(showsFor(ITEMS.slice(1, 2), true), ["all", "selection", "todo", "duplicate", "odd"]);
});

test("after a decision comes the next that is undecided, from the beginning again, else the next one", () => {
  const shown = [item(1, "keep"), item(2), item(3, "keep"), item(4)];
  assert.deepEqual([nextOf(shown, 0), nextOf(shown, 1), nextOf(shown, 3)], [1, 3, 1]);
  const done = [item(1, "keep"), item(2, "keep")];
  assert.deepEqual([nextOf(done, 0), nextOf(done, 1)], [1, 1]);
});

test("arrow keys stay on the sheet", () => {
  const go = (key, at) => stepOf(key, at, 10, 4);
  assert.deepEqual([go("ArrowRight", 0), go("ArrowLeft", 0), go("ArrowDown", 1), go("ArrowDown", 8)], [1, 0, 5, 8]);
  assert.deepEqual([go("ArrowUp", 5), go("Home", 5), go("End", 5), go("x", 5)], [1, 0, 9, 5]);
});

test("a key does one thing, whether Shift or Caps Lock is on, and leaves the browser its own", () => {
  assert.deepEqual(
    [actionOf({ key: "k" }), actionOf({ key: "X" }), actionOf({ key: " " })],
    ["keep", "exclude", "mark"],
  );
  assert.deepEqual(
    [actionOf({ key: "r", ctrlKey: true }), actionOf({ key: "F5" }), actionOf({ key: "q" })],
    [null, null, null],
  );
  assert.deepEqual([classOf("3", 10), classOf("7", 5), classOf("a", 10)], [3, null, null]);
});

test("a tag that all have is taken off, one that some have is given to all", () => {
  assert.deepEqual(
    [allTagged(ITEMS.slice(2), "zip"), allTagged(ITEMS, "zip"), allTagged([], "zip")],
    [true, false, false],
  );
});

test("maps come as whole numbers, and why one class and not another is their difference", () => {
  const maps = btoa(String.fromCharCode(1, 0, 255, 255, 2, 0, 254, 255)); // 1, -1 and 2, -2
  const told = { class_names: ["a", "b"], probabilities: [0.2, 0.8], shape: [1, 2], scale: 0.5, maps };
  const read = readMaps(told);
  assert.deepEqual([[...read.maps[0]], [...read.maps[1]]], [[0.5, -0.5], [1, -1]]); // prettier-ignore
  assert.deepEqual([...why(read, 1, 0)], [0.5, -0.5]);
  assert.deepEqual([...why(read, 1, null)], [1, -1]);
  assert.deepEqual([firstTwo(read.chances), firstTwo([1])], [[1, 0], [0, null]]); // prettier-ignore
  assert.equal(largest(read.maps[1]), 1);
});

test("what speaks for a class and what speaks against it differ in colour, and nothing is transparent", () => {
  const [plus, minus] = [tint(1, 1), tint(-1, 1)];
  assert.notDeepEqual(plus.slice(0, 3), minus.slice(0, 3));
  assert.deepEqual([plus[3], minus[3], tint(0, 1)[3], tint(0, 0)[3]], [225, 225, 0, 0]);
});
