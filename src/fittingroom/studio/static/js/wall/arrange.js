// Where each picture hangs: on the wall in blocks, or on the map by what the model sees.

const TITLE = 30; // pixels kept free above a block
const LEAST_BLOCK = 96; // pixels wide, so that a title can be read
const LEAST_TILE = 3; // pixels; where all do not fit at that, one scrolls
const MAP = 420; // tile units across the map
const GRAIN = 65535; // of the map's positions
const MARGIN = 24; // pixels

/**
 * @typedef {{ name: string, count: number, x: number, y: number, across: number }} Title
 * @typedef {object} Arranged
 * @property {Float32Array} x tile units by image; NaN where it is hidden
 * @property {Float32Array} y
 * @property {Title[]} titles
 * @property {import("./camera.js").Bounds} bounds
 * @property {number} scale pixels a tile that it was made for; 0 for any
 */

/**
 * @param {number} count of all images
 * @param {{ name: string, images: number[] }[]} groups
 * @param {number} width of the view, in pixels
 * @param {number} height
 * @returns {Arranged}
 */
export function wall(count, groups, width, height) {
  const { x, y } = nowhere(count);
  const filled = groups.filter((group) => group.images.length);
  const blocks = filled.length || 1;
  const plan = choose(blocks, Math.max(1, ...filled.map((group) => group.images.length)), width, height);
  const titles = filled.map((group, at) => {
    const left = (at % plan.columns) * (plan.across + plan.gap);
    const top = Math.floor(at / plan.columns) * (plan.down + plan.title);
    group.images.forEach((image, order) => {
      x[image] = left + (order % plan.across);
      y[image] = top + Math.floor(order / plan.across);
    });
    return { name: group.name, count: group.images.length, x: left, y: top, across: plan.across };
  });
  const right = Math.min(plan.columns, blocks) * (plan.across + plan.gap) - plan.gap;
  const bottom = Math.ceil(blocks / plan.columns) * (plan.down + plan.title) - plan.title;
  return { x, y, titles, scale: plan.scale, bounds: { left: 0, top: -plan.title, right, bottom } };
}

/**
 * @param {number} count
 * @param {{ x: number[], y: number[] }} positions whole numbers 0 to 65,535
 * @param {number[]} images that are shown
 * @returns {Arranged}
 */
export function map(count, positions, images) {
  const { x, y } = nowhere(count);
  for (const image of images) {
    x[image] = (positions.x[image] / GRAIN) * MAP;
    y[image] = (1 - positions.y[image] / GRAIN) * MAP;
  }
  return { x, y, titles: [], scale: 0, bounds: { left: 0, top: 0, right: MAP, bottom: MAP } };
}

const nowhere = (/** @type {number} */ count) => ({
  x: new Float32Array(count).fill(NaN),
  y: new Float32Array(count).fill(NaN),
});

// The number of columns that shows the pictures largest.
function choose(/** @type {number} */ blocks, /** @type {number} */ most, width, height) {
  let best = null;
  for (let columns = 1; columns <= blocks; columns++) {
    const rows = Math.ceil(blocks / columns);
    const ratio = Math.max(0.2, ((width / columns) * 0.96) / Math.max(40, height / rows - TITLE));
    const across = Math.max(1, Math.ceil(Math.sqrt(most * ratio)));
    const down = Math.ceil(most / across);
    const inWidth = (width - MARGIN) / (columns * across * 1.04);
    const scale = Math.min(inWidth, (height - MARGIN - rows * TITLE) / (rows * down));
    const score = scale * (blocks > 1 && scale * across < LEAST_BLOCK ? 0.2 : 1);
    if (scale > 0 && (!best || score > best.score)) best = { columns, across, down, scale, rows, score };
  }
  const side = Math.ceil(Math.sqrt(most));
  const plan = best ?? { columns: 1, across: side, down: side, scale: 0, rows: blocks, score: 0 };
  return spaced(best ? evened(plan, most, width, height) : plan);
}

const spaced = (plan) => ({
  ...plan,
  gap: Math.max(1, plan.across * 0.04),
  title: plan.scale > 0 ? TITLE / plan.scale : 2,
});

// Whole pixels a tile: otherwise small pictures show a pattern that is not in the data.
function evened(plan, /** @type {number} */ most, width, height) {
  const scale = Math.max(LEAST_TILE, Math.floor(plan.scale));
  const across = Math.max(1, Math.floor((width - MARGIN) / (plan.columns * 1.04) / scale));
  const down = Math.ceil(most / across);
  if (plan.scale >= LEAST_TILE && plan.rows * (down * scale + TITLE) > height - MARGIN) return plan;
  return { ...plan, across, down, scale };
}
