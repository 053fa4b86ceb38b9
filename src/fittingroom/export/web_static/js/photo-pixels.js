// A photo's pixels as the network for photos takes them: the arithmetic of Pillow's thumbnail and OpenCV's area means,
// step by step in whole numbers as there, since a network sees differences that no eye does.

const SIDE = 448; // longest edge after the first step
const GAP = 3; // how many times larger than that a picture stays when whole blocks of it are averaged first
const BITS = 22; // of a weight behind its point
const [LIGHT_GROUND, DARK_GROUND, LIGHT_ARTICLE] = [255, 70, 200];

/**
 * @typedef {{ data: Uint8Array | Uint8ClampedArray, width: number, height: number }} Pixels four bytes a pixel
 */

/**
 * @param {Pixels} photo upright
 * @param {[number, number]} size height and width that the network takes
 * @returns {Uint8Array} three bytes a pixel, row by row
 */
export function wholePhoto(photo, [height, width]) {
  return stretched(onPlain(thumbnail(photo)), height, width);
}

/** A picture of which no edge is longer than SIDE. */
export function thumbnail(/** @type {Pixels} */ photo) {
  if (photo.width <= SIDE && photo.height <= SIDE) return photo;
  const [width, height] = thumbnailSize(photo.width, photo.height);
  const across = Math.max(1, Math.floor(photo.width / width / GAP));
  const down = Math.max(1, Math.floor(photo.height / height / GAP));
  const small = across > 1 || down > 1 ? reduced(photo, across, down) : photo;
  const rows = resampledAcross(small, weights(small.width, photo.width / across, width));
  return turned(resampledAcross(turned(rows), weights(small.height, photo.height / down, height)));
}

/** @returns {[number, number]} width and height */
export function thumbnailSize(/** @type {number} */ width, /** @type {number} */ height) {
  const aspect = width / height;
  const nearest = (/** @type {number} */ value, /** @type {(n: number) => number} */ gap) => {
    const [low, high] = [Math.floor(value), Math.ceil(value)];
    return Math.max(1, gap(low) <= gap(high) ? low : high);
  };
  if (aspect <= 1) return [nearest(SIDE * aspect, (n) => Math.abs(aspect - n / SIDE)), SIDE];
  return [SIDE, nearest(SIDE / aspect, (n) => (n === 0 ? 0 : Math.abs(aspect - SIDE / n)))];
}

/** Means of whole blocks; those at the edges may be smaller. */
export function reduced(/** @type {Pixels} */ photo, /** @type {number} */ across, /** @type {number} */ down) {
  const [width, height] = [Math.ceil(photo.width / across), Math.ceil(photo.height / down)];
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) {
    const bottom = Math.min(photo.height, (y + 1) * down);
    for (let x = 0; x < width; x++) {
      const right = Math.min(photo.width, (x + 1) * across);
      blockMean(photo, [x * across, y * down, right, bottom], data, 4 * (y * width + x));
    }
  }
  return { data, width, height };
}

function blockMean(/** @type {Pixels} */ photo, /** @type {number[]} */ [left, top, right, bottom], data, to) {
  const count = (right - left) * (bottom - top);
  const multiplier = Math.floor(Math.fround(2 ** 32 / (count * 256)));
  const sums = [0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let at = 4 * (y * photo.width + left); at < 4 * (y * photo.width + right); at += 4) {
      for (let channel = 0; channel < 4; channel++) sums[channel] += photo.data[at + channel];
    }
  }
  for (let channel = 0; channel < 4; channel++) {
    data[to + channel] = Math.floor(((sums[channel] + Math.floor(count / 2)) * multiplier) / 2 ** 24);
  }
}

function bicubic(/** @type {number} */ place) {
  const x = Math.abs(place);
  const a = -0.5;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/**
 * What each new pixel takes of the old ones.
 * @param {number} there how many there are
 * @param {number} meant how many of them are meant: the last one may be cut
 * @param {number} wanted how many there are to be
 */
function weights(there, meant, wanted) {
  const scale = meant / wanted;
  const wide = Math.max(1, scale);
  return Array.from({ length: wanted }, (_, at) => {
    const center = (at + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - 2 * wide + 0.5));
    const end = Math.min(there, Math.trunc(center + 2 * wide + 0.5));
    const shares = Array.from({ length: end - first }, (__, i) => bicubic((i + first - center + 0.5) / wide));
    const sum = shares.reduce((total, share) => total + share, 0);
    const whole = shares.map((share) => (share < 0 ? -0.5 : 0.5) + (share / sum) * 2 ** BITS);
    return { first, shares: Int32Array.from(whole, Math.trunc) };
  });
}

function resampledAcross(/** @type {Pixels} */ photo, /** @type {ReturnType<typeof weights>} */ wanted) {
  const { data, width, height } = photo;
  if (wanted.length === width) return photo;
  const result = new Uint8Array(4 * wanted.length * height);
  for (let y = 0; y < height; y++) {
    wanted.forEach(({ first, shares }, x) => {
      for (let channel = 0; channel < 4; channel++) {
        let sum = 2 ** (BITS - 1);
        let at = 4 * (y * width + first) + channel;
        for (let i = 0; i < shares.length; i++, at += 4) sum += data[at] * shares[i];
        result[4 * (y * wanted.length + x) + channel] = Math.min(255, Math.max(0, sum >> BITS));
      }
    });
  }
  return { data: result, width: wanted.length, height };
}

/** Rows as columns. */
function turned(/** @type {Pixels} */ photo) {
  const { width, height } = photo;
  const [from, to] = [view(photo.data), new Uint32Array(width * height)];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) to[x * height + y] = from[y * width + x];
  return { data: new Uint8Array(to.buffer), width: height, height: width };
}

const view = (/** @type {Uint8Array | Uint8ClampedArray} */ data) =>
  new Uint32Array(data.buffer, data.byteOffset, data.length / 4);

/** A cut-out on a plain background that it stands out from; without transparency the picture as it is. */
export function onPlain(/** @type {Pixels} */ photo) {
  const { data } = photo;
  let [solid, light, isClear] = [0, 0, false];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] < 255) isClear = true;
    if (data[at + 3] <= 127) continue;
    solid += 3;
    light += data[at] + data[at + 1] + data[at + 2];
  }
  if (!isClear) return photo;
  const ground = solid && light / solid > LIGHT_ARTICLE ? DARK_GROUND : LIGHT_GROUND;
  const result = Uint8Array.from(data, (value, at) => {
    if (at % 4 === 3) return 255;
    const share = data[at - (at % 4) + 3] / 255;
    return rounded(value * share + ground * (1 - share));
  });
  return { ...photo, data: result };
}

/** The nearest whole number; of two the even one. */
function rounded(/** @type {number} */ value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

function stretched(/** @type {Pixels} */ photo, /** @type {number} */ height, /** @type {number} */ width) {
  const shrinks = photo.width >= width && photo.height >= height;
  const shares = shrinks ? areaShares : linearShares;
  const [across, down] = [shares(photo.width, width), shares(photo.height, height)];
  const isByTwo = photo.width === 2 * width && photo.height === 2 * height; // there a half is rounded up
  const mean = shrinks ? areaMean : linearMean;
  const result = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = mean(photo, across[x], down[y], channel);
        result[3 * (y * width + x) + channel] = isByTwo ? Math.floor(value + 0.5) : rounded(value);
      }
    }
  }
  return result;
}

/** As OpenCV computes it: in single precision, the old pixels of a row first. */
function areaMean(/** @type {Pixels} */ photo, across, down, /** @type {number} */ channel) {
  let value = 0;
  for (const [row, much] of down) {
    let sum = 0;
    for (const [column, share] of across) {
      sum = Math.fround(sum + Math.fround(photo.data[4 * (row * photo.width + column) + channel] * share));
    }
    value = Math.fround(value + Math.fround(sum * much));
  }
  return value;
}

/** As OpenCV computes it: weights of eleven bits, of which four are let go on the way. */
function linearMean(/** @type {Pixels} */ photo, across, down, /** @type {number} */ channel) {
  const [above, below] = down.map(([row, much]) => {
    const values = across.map(([column, share]) => photo.data[4 * (row * photo.width + column) + channel] * share);
    return ((values[0] + values[1]) >> 4) * much;
  });
  return ((above >> 16) + (below >> 16) + 2) >> 2;
}

/** @returns {[number, number][][]} for each new pixel the old ones that it covers, and how much of it each is */
function areaShares(/** @type {number} */ there, /** @type {number} */ wanted) {
  const scale = there / wanted;
  return Array.from({ length: wanted }, (_, at) => {
    const [start, end] = [at * scale, Math.min(there, (at + 1) * scale)];
    const first = Math.floor(start + 1e-3);
    /** @type {[number, number][]} */
    const parts = [];
    for (let old = first; old < Math.min(there, Math.ceil(end - 1e-3)); old++) {
      parts.push([old, Math.fround((Math.min(end, old + 1) - Math.max(start, old)) / (end - start))]);
    }
    return parts;
  });
}

/** @returns {[number, number][][]} for each new pixel the two old ones beside it, and their weights of eleven bits */
function linearShares(/** @type {number} */ there, /** @type {number} */ wanted) {
  const scale = there / wanted;
  return Array.from({ length: wanted }, (_, at) => {
    const place = Math.min(there - 1, Math.max(0, Math.fround((at + 0.5) * scale - 0.5)));
    const first = Math.floor(place);
    const share = Math.fround(place - first);
    return [
      [first, rounded(Math.fround(1 - share) * 2048)],
      [Math.min(there - 1, first + 1), rounded(share * 2048)],
    ];
  });
}
