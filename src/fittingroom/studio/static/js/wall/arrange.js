// Where each picture hangs: on the wall in blocks, or on the map by what the model sees.

const TITLE = 30; // pixels kept free above a block
const LEAST_BLOCK = 96; // pixels wide, so that a title can be read
const LEAST_TILE = 3; // pixels; where all do not fit at that, one scrolls
const MAP = 420; // tile units across the map

// groups: arrays of image numbers with a name; returns x, y, titles and bounds for a view of a size.
export function wall(count, groups, width, height) {
  const x = new Float32Array(count).fill(NaN);
  const y = new Float32Array(count).fill(NaN);
  const filled = groups.filter((group) => group.images.length);
  const most = Math.max(1, ...filled.map((group) => group.images.length));
  const plan = choose(filled.length || 1, most, width, height);
  const titles = [];
  filled.forEach((group, at) => {
    const left = (at % plan.columns) * (plan.across + plan.gap);
    const top = Math.floor(at / plan.columns) * (plan.down + plan.title);
    titles.push({ name: group.name, count: group.images.length, x: left, y: top, across: plan.across });
    group.images.forEach((image, order) => {
      x[image] = left + (order % plan.across);
      y[image] = top + Math.floor(order / plan.across);
    });
  });
  const rows = Math.ceil((filled.length || 1) / plan.columns);
  const right = Math.min(plan.columns, filled.length || 1) * (plan.across + plan.gap) - plan.gap;
  return {
    x,
    y,
    titles,
    scale: plan.scale,
    bounds: { left: 0, top: -plan.title, right, bottom: rows * (plan.down + plan.title) - plan.title },
  };
}

// The number of columns that shows the pictures largest.
function choose(blocks, most, width, height) {
  let best = null;
  for (let columns = 1; columns <= blocks; columns++) {
    const rows = Math.ceil(blocks / columns);
    const ratio = Math.max(0.2, ((width / columns) * 0.96) / Math.max(40, height / rows - TITLE));
    const across = Math.max(1, Math.ceil(Math.sqrt(most * ratio)));
    const down = Math.ceil(most / across);
    const scale = Math.min((width - 24) / (columns * across * 1.04), (height - 24 - rows * TITLE) / (rows * down));
    const score = scale * (blocks > 1 && scale * across < LEAST_BLOCK ? 0.2 : 1);
    if (scale > 0 && (!best || score > best.score))
      best = { columns, across, down, gap: Math.max(1, across * 0.04), title: TITLE / scale, scale, rows, score };
  }
  if (best) evened(best, width, height);
  return best ?? { columns: 1, across: Math.ceil(Math.sqrt(most)), down: Math.ceil(Math.sqrt(most)), gap: 1, title: 2 };
}

// Whole pixels a tile: otherwise small pictures show a pattern that is not in the data.
function evened(plan, width, height) {
  const scale = Math.max(LEAST_TILE, Math.floor(plan.scale));
  const most = plan.across * plan.down;
  const across = Math.floor((width - 24) / (plan.columns * 1.04) / scale);
  const down = Math.ceil(most / across);
  if (plan.scale >= LEAST_TILE && plan.rows * (down * scale + TITLE) > height - 24) return;
  Object.assign(plan, { across, down, gap: Math.max(1, across * 0.04), title: TITLE / scale, scale });
}

export function map(count, positions, images) {
  const x = new Float32Array(count).fill(NaN);
  const y = new Float32Array(count).fill(NaN);
  for (const image of images) {
    x[image] = (positions.x[image] / 65535) * MAP;
    y[image] = (1 - positions.y[image] / 65535) * MAP;
  }
  return { x, y, titles: [], bounds: { left: 0, top: 0, right: MAP, bottom: MAP } };
}
