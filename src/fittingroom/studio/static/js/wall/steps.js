// Which picture an arrow key goes to.

const ASIDE = 2.5; // how much more a way across the key's direction counts

/**
 * The nearest picture in a direction from the cursor; without a cursor the one nearest to where one looks.
 * @param {{ count: number, x: Float32Array, y: Float32Array }} places
 * @param {number} cursor an image, or -1
 * @param {{ x: number, y: number }} camera
 * @param {number} dx
 * @param {number} dy
 * @returns {number} an image, or -1
 */
export function nextImage(places, cursor, camera, dx, dy) {
  const from = cursor >= 0 ? { x: places.x[cursor], y: places.y[cursor] } : camera;
  let [best, least] = [-1, Infinity];
  for (let image = 0; image < places.count; image++) {
    const [right, down] = [places.x[image] - from.x, places.y[image] - from.y];
    const along = right * dx + down * dy;
    const cost = Math.abs(along + ASIDE * (Math.abs(right * dy) + Math.abs(down * dx)));
    if (image !== cursor && (cursor < 0 || along > 1e-4) && cost < least) [best, least] = [image, cost];
  }
  return best;
}
