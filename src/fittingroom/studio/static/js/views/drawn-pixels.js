// A drawing cut out and made as large as the dataset's articles are: the longest edge from side to side, centred.

const FAINT = 40; // grey below which nothing was drawn

/**
 * @param {Uint8ClampedArray} data of a square canvas, four bytes a pixel
 * @param {number} size of it, in pixels
 * @param {number} side of the picture that comes of it
 * @returns {Uint8Array} grey
 */
export function cutOut(data, size, side) {
  const box = edges(data, size);
  if (box.right < box.left) return new Uint8Array(side * side);
  const longest = Math.max(box.right - box.left, box.bottom - box.top) + 1;
  const startX = (box.left + box.right + 1 - longest) / 2;
  const startY = (box.top + box.bottom + 1 - longest) / 2;
  return Uint8Array.from({ length: side * side }, (_, at) => {
    const x = startX + ((at % side) * longest) / side;
    const y = startY + (Math.floor(at / side) * longest) / side;
    return mean(data, size, x, y, longest / side);
  });
}

function edges(/** @type {Uint8ClampedArray} */ data, /** @type {number} */ size) {
  const box = { left: size, top: size, right: -1, bottom: -1 };
  for (let at = 0; at < size * size; at++) {
    if (data[4 * at] < FAINT) continue;
    const [x, y] = [at % size, Math.floor(at / size)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

// The mean of the pixels that a square touches; beyond the canvas it is black.
function mean(/** @type {Uint8ClampedArray} */ data, /** @type {number} */ size, x, y, /** @type {number} */ wide) {
  let [sum, count] = [0, 0];
  for (let row = Math.floor(y); row < Math.max(y + wide, Math.floor(y) + 1); row++) {
    for (let column = Math.floor(x); column < Math.max(x + wide, Math.floor(x) + 1); column++) {
      const isInside = row >= 0 && row < size && column >= 0 && column < size;
      sum += isInside ? data[4 * (row * size + column)] : 0;
      count += 1;
    }
  }
  return Math.round(sum / count);
}
