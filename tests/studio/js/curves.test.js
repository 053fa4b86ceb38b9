import assert from "node:assert/strict";
import test from "node:test";

import { Curves, range, ticks } from "../../../src/fittingroom/studio/static/js/curves.js";

const TOTAL = 1000;

/** What the server tells of a training whose loss at each image is `loss(images seen)`: means since the epoch began. */
function* told(epochs, loss, every = 50) {
  for (let epoch = 1; epoch <= epochs; epoch++) {
    let sum = 0;
    for (let images = 1; images <= TOTAL; images++) {
      sum += loss((epoch - 1) * TOTAL + images);
      if (images % every) continue;
      const mean = sum / images;
      const done = images === TOTAL;
      const validated = { val_loss: done ? mean : null, val_accuracy: done ? 1 - mean : null };
      yield { epoch, images, total: TOTAL, loss: mean, accuracy: 1 - mean, done, ...validated };
    }
  }
}

const taken = (lines) => {
  const curves = new Curves();
  for (const line of lines) curves.take(line);
  return curves;
};

test("a loss that falls evenly makes a curve without a cliff where an epoch begins", () => {
  const { loss } = taken(told(3, (seen) => 2 - seen / 2000)).points;
  const falls = loss.slice(1).map((point, at) => loss[at][1] - point[1]);
  assert.ok(Math.min(...falls) >= 0, "it never rises");
  assert.ok(Math.max(...falls) < 0.03, `and never falls at once, as the running mean does: ${Math.max(...falls)}`);
  const running = [...told(3, (seen) => 2 - seen / 2000)].map((line) => line.loss);
  assert.ok(running[19] - running[20] > 0.2, "which the means that the server tells do");
});

test("a constant loss is a straight line at its value", () => {
  for (const [, value] of taken(told(2, () => 0.5)).points.loss) assert.ok(Math.abs(value - 0.5) < 1e-9);
});

test("validation is a dot at the end of each epoch, and nothing where none was held out", () => {
  assert.deepEqual(
    taken(told(2, () => 0.5)).points.val_loss,
    [[1, 0.5], [2, 0.5]], // prettier-ignore
  );
  const without = [...told(1, () => 0.5)].map((line) => ({ ...line, val_loss: null, val_accuracy: null }));
  assert.deepEqual(taken(without).points.val_loss, []);
});

test("of steps that a resumed training sees again the later record counts", () => {
  const lines = [...told(2, () => 0.5)];
  const curves = taken([...lines.slice(0, 30), ...lines.slice(20)]);
  const at = curves.points.loss.map(([epochs]) => epochs);
  assert.deepEqual(
    at,
    [...new Set(at)].sort((a, b) => a - b),
  );
  assert.equal(curves.points.val_loss.length, 2);
  assert.ok(curves.points.loss.every(([, value]) => Math.abs(value - 0.5) < 1e-9));
});

test("cleared curves begin anew", () => {
  const curves = taken(told(1, () => 0.5));
  curves.clear();
  assert.deepEqual([curves.last, ...Object.values(curves.points)], [null, [], [], [], []]);
});

test("ticks are round, lie between their ends, and are few", () => {
  assert.deepEqual(ticks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(0.81, 0.93), [0.82, 0.84, 0.86, 0.88, 0.9, 0.92]);
  for (const [low, high] of [
    [0, 100_000],
    [0.001, 0.0013],
    [3, 3.00001],
    [0, 1],
  ]) {
    // prettier-ignore
    const found = ticks(low, high);
    assert.ok(found.length >= 2 && found.length <= 12, `${low} ${high} ${found}`);
    assert.ok(
      found.every((value) => value >= low - 1e-9 && value <= high * (1 + 1e-5) + 1e-9),
      `${found}`,
    );
  }
});

test("a range has room around its values, none below its floor, and is there without values", () => {
  const [low, high] = range([0.2, 1.2], 0);
  assert.ok(low < 0.2 && low >= 0 && high > 1.2);
  assert.equal(range([0.001, 0.5], 0)[0], 0);
  assert.deepEqual(range([]), [0, 1]);
  assert.equal(range(Array.from({ length: 300_000 }, () => 1)).length, 2);
});
