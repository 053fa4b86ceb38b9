// What a learning curve is made of, without a page to draw it on: round ticks, a range with room, and a smooth line.

const HALF_LIFE = 0.12; // epochs after which a batch counts half in the smooth line

/** Round numbers between two values. */
export function ticks(/** @type {number} */ low, /** @type {number} */ high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const off = (/** @type {number} */ step) => Math.abs(Math.log(step / Math.max(rough, 1e-9)));
  const step = [1, 2, 5, 10]
    .map((factor) => factor * power)
    .reduce((best, each) => (off(each) < off(best) ? each : best));
  const first = Math.ceil(low / step);
  const count = Math.max(0, Math.floor(high / step) - first + 1);
  return Array.from({ length: count }, (_, at) => Number(((first + at) * step).toPrecision(6)));
}

/** The least and greatest of some values, with room above and below; never below the floor. */
export function range(/** @type {number[]} */ values, /** @type {number | undefined} */ floor = undefined) {
  if (!values.length) return [0, 1];
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  const room = Math.max((high - low) * 0.08, 0.01);
  return [Math.max(floor ?? -Infinity, low - room), high + room];
}

/**
 * @typedef {{ epoch: number, images: number, total: number, loss: number, accuracy: number, done?: boolean,
 *   val_loss?: number | null, val_accuracy?: number | null }} Progress
 */

/**
 * Makes continuous curves of progress. What the server tells is the mean since the epoch began; at each new epoch it
 * falls back to the last batches alone, which looks like a cliff where nothing has happened. Here each stretch between
 * two lines counts for itself, and the line through them is smoothed over a fraction of an epoch.
 */
export class Curves {
  constructor() {
    this.points = noPoints();
    /** @type {Progress | null} */
    this.last = null;
  }

  clear() {
    this.points = noPoints();
    this.last = null;
  }

  take(/** @type {Progress} */ line) {
    const at = line.epoch - 1 + line.images / line.total;
    this.drop(at);
    this.grow("loss", at, line);
    this.grow("accuracy", at, line);
    if (line.done && typeof line.val_loss === "number") {
      this.points.val_loss.push([line.epoch, line.val_loss]);
      this.points.val_accuracy.push([line.epoch, /** @type {number} */ (line.val_accuracy)]);
    }
    this.last = line;
  }

  grow(/** @type {"loss" | "accuracy"} */ key, /** @type {number} */ at, /** @type {Progress} */ line) {
    const value = sinceThen(key, line, this.last);
    const before = this.points[key].at(-1);
    const kept = before ? 0.5 ** ((at - before[0]) / HALF_LIFE) : 0;
    if (value !== null) this.points[key].push([at, before ? kept * before[1] + (1 - kept) * value : value]);
  }

  // A training that went on from a checkpoint sees some steps again: the later record counts.
  drop(/** @type {number} */ at) {
    const { loss, accuracy, val_loss: valLoss, val_accuracy: valAccuracy } = this.points;
    const cut = (/** @type {Point[]} */ points) => points.splice(points.findLastIndex((point) => point[0] < at) + 1);
    for (const points of [loss, accuracy]) cut(points);
    for (const points of [valLoss, valAccuracy]) {
      points.splice(points.findLastIndex((point) => point[0] <= at) + 1);
    }
  }
}

/** @typedef {[number, number]} Point epochs, value */

/** @returns {Record<"loss" | "accuracy" | "val_loss" | "val_accuracy", Point[]>} */
const noPoints = () => ({ loss: [], accuracy: [], val_loss: [], val_accuracy: [] });

/** The mean over the images since the line before, of means since the epoch began; null where there are none. */
function sinceThen(
  /** @type {"loss" | "accuracy"} */ key,
  /** @type {Progress} */ now,
  /** @type {Progress | null} */ last,
) {
  const goesOn = last !== null && last.epoch === now.epoch && last.images <= now.images;
  if (!goesOn) return now[key];
  if (last.images === now.images) return null;
  return (now[key] * now.images - last[key] * last.images) / (now.images - last.images);
}
