// From a file to pixels, upright and with its own colours; and whether it is data already.

const MOST_PIXELS = 16_000_000; // a phone's browser gives a canvas no more
const [LEAST_SIDE, MOST_ELONGATED, LONGEST] = [8, 12, 2.5];

/**
 * @param {Blob} file
 * @returns {Promise<import("./photo-pixels.js").Pixels>}
 */
export async function openPicture(file) {
  const bitmap = await decoded(file);
  const { width, height } = bitmap;
  if (Math.min(width, height) < LEAST_SIDE) throw new Error(`A picture has at least ${LEAST_SIDE} pixels a side.`);
  if (Math.max(width, height) > MOST_ELONGATED * Math.min(width, height)) {
    throw new Error("This is a strip and no photo. Cut out the part with the article.");
  }
  const share = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  return drawn(bitmap, Math.round(width * share), Math.round(height * share));
}

async function decoded(/** @type {Blob} */ file) {
  const options = /** @type {ImageBitmapOptions} */ ({ colorSpaceConversion: "none", premultiplyAlpha: "none" });
  try {
    return await createImageBitmap(file, options);
  } catch {
    throw new Error("This browser cannot open the file as a picture. Save it as JPEG or PNG and try again.");
  }
}

/** The pixels of a bitmap or a video, in a size. */
export function drawn(/** @type {any} */ source, /** @type {number} */ width, /** @type {number} */ height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser gives the page no canvas.");
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * The grey pixels of a picture that is data already, of exactly a network's size; null for every other.
 * @param {import("./photo-pixels.js").Pixels} picture
 * @param {[number, number]} size height and width
 */
export function greyOfSize({ data, width, height }, size) {
  if (height !== size[0] || width !== size[1]) return null;
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at++) {
    const [red, green, blue, solid] = data.subarray(4 * at, 4 * at + 4);
    if (red !== green || green !== blue || solid !== 255) return null;
    grey[at] = red;
  }
  return grey;
}

/** What is to be said of a photo's proportions; "" for nothing. */
export function stripWarning(/** @type {{ width: number, height: number }} */ { width, height }) {
  const ratio = Math.max(width, height) / Math.min(width, height);
  if (ratio <= LONGEST) return "";
  return `It is ${ratio.toFixed(1)} times as long as it is wide: cut out the article for a better answer.`;
}
