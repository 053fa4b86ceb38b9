import assert from "node:assert/strict";
import test from "node:test";

import { map, wall } from "../../../src/fittingroom/studio/static/js/wall/arrange.js";
import { corner, fit, home, moved, revealing, zoomed } from "../../../src/fittingroom/studio/static/js/wall/camera.js";
import { Flight } from "../../../src/fittingroom/studio/static/js/wall/flight.js";
import { inside } from "../../../src/fittingroom/studio/static/js/wall/pointer.js";
import { draw, hit, tileSize } from "../../../src/fittingroom/studio/static/js/wall/raster.js";
import { nextImage } from "../../../src/fittingroom/studio/static/js/wall/steps.js";

const [WIDTH, HEIGHT] = [800, 600];
const range = (count) => Array.from({ length: count }, (_, at) => at);
const places = (x, y) => ({ count: x.length, x: Float32Array.from(x), y: Float32Array.from(y) });

test("all of some bounds fits into a view", () => {
  const camera = fit({ left: 0, top: 0, right: 40, bottom: 10 }, WIDTH, HEIGHT);
  const [left, top] = corner(camera, 0, 0, WIDTH, HEIGHT);
  const [right, bottom] = corner(camera, 40, 10, WIDTH, HEIGHT);
  assert.ok(left >= 0 && top >= 0 && right <= WIDTH && bottom <= HEIGHT);
});

test("what is too much for a view is seen from its top", () => {
  const bounds = { left: 0, top: -2, right: 40, bottom: 1000 };
  const camera = home(bounds, WIDTH, HEIGHT, 4);
  assert.equal(camera.scale, 4);
  assert.equal(corner(camera, 0, -2, WIDTH, HEIGHT)[1], 0);
});

test("zooming keeps the tile under the pointer, and stops at both ends", () => {
  const camera = { x: 10, y: 20, scale: 8 };
  const [column, row] = corner(camera, 3, 4, WIDTH, HEIGHT);
  const near = zoomed(camera, 2, column, row, WIDTH, HEIGHT, 1);
  assert.deepEqual(corner(near, 3, 4, WIDTH, HEIGHT), [column, row]);
  assert.equal(zoomed(camera, 1e6, column, row, WIDTH, HEIGHT, 1).scale, 140);
  assert.equal(zoomed(camera, 1e-6, column, row, WIDTH, HEIGHT, 1).scale, 1);
});

test("moving stays within the bounds, and revealing comes near", () => {
  const bounds = { left: 0, top: 0, right: 10, bottom: 10 };
  assert.deepEqual(moved({ x: 5, y: 5, scale: 10 }, 1e6, -1e6, bounds), { x: 0, y: 10, scale: 10 });
  assert.deepEqual(revealing({ x: 0, y: 0, scale: 3 }, 7, 8), { x: 7.5, y: 8.5, scale: 28 });
});

test("on the wall no two pictures share a place, blocks do not overlap, and what is in no group is hidden", () => {
  const groups = range(10).map((label) => ({
    name: `class ${label}`,
    images: range(700).filter((image) => image % 11 === label),
  }));
  const arranged = wall(700, groups, WIDTH, HEIGHT);
  const shown = range(700).filter((image) => !Number.isNaN(arranged.x[image]));
  assert.equal(shown.length, groups.flatMap((group) => group.images).length);
  assert.equal(new Set(shown.map((image) => `${arranged.x[image]} ${arranged.y[image]}`)).size, shown.length);
  assert.equal(arranged.titles.length, 10);
  for (const [at, title] of arranged.titles.entries()) {
    for (const image of groups[at].images) {
      assert.ok(arranged.x[image] >= title.x && arranged.x[image] < title.x + title.across);
      assert.ok(arranged.y[image] >= title.y);
    }
  }
});

test("a wall of nothing, of one picture, and in a view of no size has bounds", () => {
  for (const [images, width, height] of [
    [[], WIDTH, HEIGHT],
    [[0], WIDTH, HEIGHT],
    [range(50), 1, 1],
  ]) {
    // prettier-ignore
    const { bounds } = wall(50, [{ name: "", images }], width, height);
    assert.ok(Object.values(bounds).every(Number.isFinite), JSON.stringify(bounds));
  }
});

test("a map turns its rows over and hides what is filtered out", () => {
  const { x, y } = map(3, { x: [0, 65_535, 5], y: [0, 65_535, 5] }, [0, 1]);
  assert.deepEqual([...x.slice(0, 2), ...y.slice(0, 2)], [0, 420, 420, 0]);
  assert.ok(Number.isNaN(x[2]));
});

const LEVEL = { height: 2, width: 2, pixels: Uint8Array.from([...[0, 50, 100, 150], ...[255, 255, 255, 255]]) };

function scene(more = {}) {
  const ramp = (first) => Uint32Array.from({ length: 256 }, (_, grey) => first + grey);
  const drawn = { levels: [LEVEL], tints: null, ramps: [ramp(1000), ramp(5000)], background: 7, shown: null };
  return { ...places([0, 2], [0, 0]), ...drawn, overlap: false, ...more };
}

test("pictures are drawn pixel by pixel where the camera has them, and found there again", () => {
  const frame = { buffer: new Uint32Array(8 * 4), width: 8, height: 4 };
  const camera = { x: 2, y: 1, scale: 2 };
  draw(frame, camera, scene());
  assert.deepEqual([...frame.buffer.slice(0, 8)], [1000, 1050, 7, 7, 1255, 1255, 7, 7]);
  assert.deepEqual([...frame.buffer.slice(8, 16)], [1100, 1150, 7, 7, 1255, 1255, 7, 7]);
  assert.equal(hit(camera, scene(), 8, 4, 1, 1), 0);
  assert.equal(hit(camera, scene(), 8, 4, 5, 0), 1);
  assert.equal(hit(camera, scene(), 8, 4, 3, 3), -1);
});

test("what is out of focus has the last ramp, and what lies outside the view is cut", () => {
  const frame = { buffer: new Uint32Array(3 * 2), width: 3, height: 2 };
  draw(frame, { x: 2.5, y: 0.5, scale: 2 }, scene({ shown: Uint8Array.from([1, 0]) }));
  assert.deepEqual([...frame.buffer], [5255, 5255, 7, 5255, 5255, 7]);
});

test("on the map a tile grows slower than the zoom", () => {
  assert.ok(tileSize({ scale: 40 }, true) < tileSize({ scale: 40 }, false));
});

test("a flight begins where the pictures were, and is over when they have arrived", () => {
  const flight = new Flight(places([0], [10]), places([100], [20]));
  const begun = flight.at(1000);
  assert.deepEqual([begun.x[0], begun.y[0]], [0, 10]);
  const middle = flight.at(1225);
  assert.deepEqual([middle.x[0], middle.y[0]], [50, 15]);
  assert.equal(flight.at(1450), null);
});

test("an arrow key goes to the next picture in its direction, and past what is hidden", () => {
  const grid = places([0, 1, 2, 0, NaN, 2], [0, 0, 0, 1, NaN, 1]);
  assert.equal(nextImage(grid, 0, null, 1, 0), 1);
  assert.equal(nextImage(grid, 0, null, 0, 1), 3);
  assert.equal(nextImage(grid, 3, null, 1, 0), 5);
  assert.equal(nextImage(grid, 0, null, -1, 0), -1);
  assert.equal(nextImage(grid, -1, { x: 2, y: 1 }, 1, 0), 5);
});

test("a closed line holds what lies within it, by the even-odd rule", () => {
  const star = [[0, 0], [10, 0], [10, 10], [0, 10]]; // prettier-ignore
  assert.ok(inside(star, 5, 5));
  assert.ok(!inside(star, 11, 5));
  const twice = [...star, ...star];
  assert.ok(!inside(twice, 5, 5));
});
