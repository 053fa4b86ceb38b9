// Where one looks from: the middle of the view in tile units, and pixels a tile.

/** @typedef {{ x: number, y: number, scale: number }} Camera */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Bounds */

const LARGEST = 140; // pixels a tile
const LARGEST_FITTED = 56;
const REVEALED = 28;

/** @returns {Camera} */
export function fit(
  /** @type {Bounds} */ bounds,
  /** @type {number} */ width,
  /** @type {number} */ height,
  margin = 24,
) {
  const across = Math.max(1, bounds.right - bounds.left);
  const down = Math.max(1, bounds.bottom - bounds.top);
  const scale = Math.min((width - margin) / across, (height - margin) / down, LARGEST_FITTED);
  return { x: (bounds.left + bounds.right) / 2, y: (bounds.top + bounds.bottom) / 2, scale };
}

/**
 * Where one looks from at first: at all of it, at whole pixels a tile where that is known; or at the top of it.
 * @param {Bounds} bounds
 * @param {number} width
 * @param {number} height
 * @param {number} even pixels a tile that the arrangement was made for, or 0
 * @returns {Camera}
 */
export function home(bounds, width, height, even) {
  const camera = fit(bounds, width, height);
  if (even >= 2) camera.scale = Math.min(LARGEST_FITTED, Math.floor(even));
  const hidden = bounds.bottom - bounds.top - height / camera.scale;
  if (hidden > 0) camera.y = bounds.top + height / 2 / camera.scale;
  return camera;
}

/**
 * Zoom by a factor so that the tile at a place of the canvas stays there.
 * @returns {Camera}
 */
export function zoomed(/** @type {Camera} */ camera, factor, column, row, width, height, least) {
  const scale = Math.min(LARGEST, Math.max(least, camera.scale * factor));
  const dx = column - width / 2;
  const dy = row - height / 2;
  return { x: camera.x + dx / camera.scale - dx / scale, y: camera.y + dy / camera.scale - dy / scale, scale };
}

/** @returns {Camera} */
export function moved(/** @type {Camera} */ camera, columns, rows, /** @type {Bounds} */ bounds) {
  const x = Math.min(bounds.right, Math.max(bounds.left, camera.x - columns / camera.scale));
  const y = Math.min(bounds.bottom, Math.max(bounds.top, camera.y - rows / camera.scale));
  return { ...camera, x, y };
}

/**
 * Look at one tile, from near enough to see it.
 * @returns {Camera}
 */
export const revealing = (/** @type {Camera} */ camera, x, y) => ({
  x: x + 0.5,
  y: y + 0.5,
  scale: Math.max(camera.scale, REVEALED),
});

/**
 * Where the upper left corner of a tile is on the canvas.
 * @returns {[number, number]}
 */
export const corner = (/** @type {Camera} */ camera, x, y, width, height) => [
  (x - camera.x) * camera.scale + width / 2,
  (y - camera.y) * camera.scale + height / 2,
];
