// Draw tens of thousands of small pictures into a canvas, pixel by pixel: as fast without a graphics card as with one.

const POINT = 5; // pixels; below it a picture on the map is a point of colour
const FAINT = 48; // grey below which a picture on the map is see-through

/**
 * @typedef {object} Scene
 * @property {number} count of images
 * @property {Float32Array} x tile units by image; NaN where it is hidden
 * @property {Float32Array} y
 * @property {{ height: number, width: number, pixels: Uint8Array }[]} levels
 * @property {Uint8Array | null} tints which ramp each image has
 * @property {Uint32Array[]} ramps 256 colours each; the last is for what is out of focus
 * @property {number} background colour
 * @property {boolean} overlap whether pictures lie over each other, as on the map
 * @property {Uint8Array | null} shown what is in focus
 */

/**
 * @param {{ buffer: Uint32Array, width: number, height: number }} frame
 * @param {import("./camera.js").Camera} camera
 * @param {Scene} scene
 */
export function draw({ buffer, width, height }, camera, scene) {
  buffer.fill(scene.background);
  const { x, y, count, tints, ramps, shown } = scene;
  const size = tileSize(camera, scene.overlap);
  const pixels = Math.max(1, Math.round(size));
  const level = chooseLevel(scene.levels, pixels);
  const [left, top] = [camera.x - width / 2 / camera.scale, camera.y - height / 2 / camera.scale];
  const points = scene.overlap && pixels < POINT;
  const map = steps(level, pixels);
  for (let image = 0; image < count; image++) {
    const column = (x[image] - left) * camera.scale;
    const row = (y[image] - top) * camera.scale;
    if (!(column > -size && column < width && row > -size && row < height)) continue;
    const ramp = ramps[shown && !shown[image] ? ramps.length - 1 : tints ? tints[image] : 0];
    if (points) point(buffer, width, height, column | 0, row | 0, pixels, ramp[255]);
    else blit(buffer, width, height, Math.floor(column), Math.floor(row), level, image, map, ramp, scene.overlap);
  }
}

// On the wall a tile grows with the zoom; on the map it grows slower, so that neighbours come apart.
export function tileSize(camera, overlap) {
  if (overlap) return 2 + 0.45 * camera.scale;
  return camera.scale > 14 ? camera.scale * 0.94 : camera.scale;
}

function chooseLevel(levels, pixels) {
  let chosen = levels[0];
  for (const level of levels) if (Math.max(level.height, level.width) >= pixels * 0.9) chosen = level;
  return { ...chosen, images: chosen.pixels };
}

// Which source row and column each target pixel shows; the longer side fills the tile.
function steps(level, pixels) {
  const longest = Math.max(level.height, level.width);
  const high = Math.max(1, Math.round((pixels * level.height) / longest));
  const wide = Math.max(1, Math.round((pixels * level.width) / longest));
  const rows = Int32Array.from({ length: high }, (_, at) => Math.floor((at * level.height) / high) * level.width);
  const columns = Int32Array.from({ length: wide }, (_, at) => Math.floor((at * level.width) / wide));
  return { rows, columns };
}

function point(buffer, width, height, column, row, size, colour) {
  const right = Math.min(width, column + size);
  const bottom = Math.min(height, row + size);
  for (let y = Math.max(0, row); y < bottom; y++)
    buffer.fill(colour, y * width + Math.max(0, column), y * width + right);
}

function blit(buffer, width, height, column, row, level, image, { rows, columns }, ramp, overlap) {
  const source = image * level.height * level.width;
  const pixels = level.images;
  const firstColumn = Math.max(0, -column);
  const lastColumn = Math.min(columns.length, width - column);
  const lastRow = Math.min(rows.length, height - row);
  for (let y = Math.max(0, -row); y < lastRow; y++) {
    const from = source + rows[y];
    const to = (row + y) * width + column;
    for (let x = firstColumn; x < lastColumn; x++) {
      const grey = pixels[from + columns[x]];
      if (!overlap || grey > FAINT) buffer[to + x] = ramp[grey];
    }
  }
}

// The topmost picture at a place of the canvas, or -1.
export function hit(camera, scene, width, height, column, row) {
  const size = tileSize(camera, scene.overlap);
  const [left, top] = [camera.x - width / 2 / camera.scale, camera.y - height / 2 / camera.scale];
  for (let image = scene.count - 1; image >= 0; image--) {
    const dx = column - (scene.x[image] - left) * camera.scale;
    const dy = row - (scene.y[image] - top) * camera.scale;
    if (dx >= 0 && dy >= 0 && dx < size && dy < size) return image;
  }
  return -1;
}
