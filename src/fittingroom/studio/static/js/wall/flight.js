// From one arrangement to the next: every picture on its way, for a moment.

const MILLISECONDS = 450;

/** @typedef {{ x: Float32Array, y: Float32Array }} Places */

export class Flight {
  constructor(/** @type {Places} */ from, /** @type {Places} */ to) {
    this.from = from;
    this.to = to;
    this.x = new Float32Array(to.x.length);
    this.y = new Float32Array(to.y.length);
    this.started = 0;
  }

  /** @returns {Places | null} where the pictures are; null once they have arrived */
  at(/** @type {number} */ now) {
    this.started ||= now;
    const share = Math.min(1, (now - this.started) / MILLISECONDS);
    if (share === 1) return null;
    const eased = share * share * (3 - 2 * share);
    for (let image = 0; image < this.x.length; image++) {
      this.x[image] = this.from.x[image] + (this.to.x[image] - this.from.x[image]) * eased;
      this.y[image] = this.from.y[image] + (this.to.y[image] - this.from.y[image]) * eased;
    }
    return { x: this.x, y: this.y };
  }
}
