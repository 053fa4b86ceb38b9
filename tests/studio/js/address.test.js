import assert from "node:assert/strict";
import test from "node:test";

import {
  decodeSelection,
  encodeSelection,
  encoded,
  formatHash,
  parseHash,
} from "../../../src/fittingroom/studio/static/js/address.js";

const PARTS = ["data", "train", "look"];
const range = (first, length) => Array.from({ length }, (_, at) => first + at);

test("what is formatted is parsed again, whatever a run is called", () => {
  for (const name of ["20260101-a", "two words", "Müllers Läufe", "a/b?c#d&e=f%20", "日本", "100%"]) {
    const { part, rest, query } = parseHash(formatHash("look", [name], { against: name, page: 2 }), PARTS);
    assert.deepEqual([part, rest], ["look", [name]]);
    assert.equal(query.get("against"), name);
    assert.equal(query.get("page"), "2");
  }
});

test("a part that there is not is the first one, and a code that is none stays as it is", () => {
  assert.equal(parseHash("#/nowhere", PARTS).part, "data");
  assert.equal(parseHash("", PARTS).part, "data");
  assert.deepEqual(parseHash("#/look/%zz", PARTS).rest, ["%zz"]);
});

test("what is empty is left out, and several of one name stay several", () => {
  assert.equal(formatHash("data", [], { model: "", label: null, split: undefined }), "#/data");
  const query = new URLSearchParams([["choose", "a"], ["choose", "b"]]); // prettier-ignore
  assert.deepEqual(parseHash(formatHash("train", [], query), PARTS).query.getAll("choose"), ["a", "b"]);
});

test("a name that is no text has a code too", () => {
  assert.equal(encoded("a\ud800b"), "a%EF%BF%BDb");
});

test("a selection comes back from its text, whatever its order was", () => {
  for (const indices of [
    [],
    [0],
    [69_999],
    [5, 3, 4, 70, 0],
    range(0, 840),
    [...range(100, 300), ...range(60_000, 5)],
  ]) {
    const text = encodeSelection(indices);
    assert.match(text, /^[\w-]*$/);
    assert.deepEqual(
      decodeSelection(text, 70_000),
      [...indices].sort((a, b) => a - b),
    );
  }
});

test("seventy thousand neighbours need a handful of letters, scattered ones are too many for an address", () => {
  assert.ok(encodeSelection(range(0, 70_000)).length < 10);
  assert.equal(encodeSelection(range(0, 35_000).map((at) => 2 * at)), null);
});

test("a damaged text, or one of a larger dataset, selects nothing that is not there", () => {
  assert.deepEqual(decodeSelection("!!", 100), []);
  assert.deepEqual(decodeSelection(encodeSelection(range(90, 20)), 100), range(90, 10));
  assert.deepEqual(decodeSelection(encodeSelection([500]), 100), []);
});
