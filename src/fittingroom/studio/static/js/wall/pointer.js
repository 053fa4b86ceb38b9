// Mouse, touch and pen on the wall: drag to move, wheel or pinch to zoom, click to open, or draw a lasso.

const STILL = 5; // pixels that a click may move

/**
 * @typedef {object} Act what the wall does
 * @property {(columns: number, rows: number) => void} move
 * @property {(factor: number, column: number, row: number) => void} zoom
 * @property {(column: number, row: number) => void} click
 * @property {(column: number, row: number) => void} hover at -1, -1 when the canvas is left
 * @property {(line: [number, number][], done: boolean) => void} lasso
 * @property {() => boolean} isLasso
 */

export function listen(/** @type {HTMLCanvasElement} */ canvas, /** @type {Act} */ act) {
  const pointer = new Pointer(canvas, act);
  canvas.addEventListener("pointerdown", (event) => pointer.down(event));
  canvas.addEventListener("pointermove", (event) => pointer.move(event));
  canvas.addEventListener("pointerup", (event) => pointer.up(event));
  canvas.addEventListener("pointercancel", (event) => pointer.up(event));
  canvas.addEventListener("pointerleave", () => act.hover(-1, -1));
  const wheel = (/** @type {WheelEvent} */ event) => {
    event.preventDefault();
    act.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...pointer.place(event));
  };
  canvas.addEventListener("wheel", wheel, { passive: false });
}

class Pointer {
  constructor(/** @type {HTMLCanvasElement} */ canvas, /** @type {Act} */ act) {
    this.canvas = canvas;
    this.act = act;
    /** @type {Map<number, [number, number]>} */
    this.held = new Map();
    this.travelled = 0;
    /** @type {[number, number][] | null} */
    this.line = null;
  }

  /** @returns {[number, number]} */
  place(/** @type {MouseEvent} */ event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(/** @type {PointerEvent} */ event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.held.set(event.pointerId, this.place(event));
    this.travelled = 0;
    this.line = this.act.isLasso() && this.held.size === 1 ? [this.place(event)] : null;
  }

  move(/** @type {PointerEvent} */ event) {
    const now = this.place(event);
    const before = this.held.get(event.pointerId);
    if (!before) return this.act.hover(...now);
    const [columns, rows] = [now[0] - before[0], now[1] - before[1]];
    this.travelled += Math.abs(columns) + Math.abs(rows);
    if (this.line) {
      this.line.push(now);
      this.act.lasso(this.line, false);
    } else if (this.held.size === 2) pinch(this.held, event.pointerId, now, this.act);
    else if (this.travelled > STILL) this.act.move(columns, rows);
    this.held.set(event.pointerId, now);
  }

  up(/** @type {PointerEvent} */ event) {
    const before = this.held.get(event.pointerId);
    this.held.delete(event.pointerId);
    if (!before) return;
    if (this.line && this.travelled > STILL) this.act.lasso(this.line, true);
    else if (event.type === "pointerup" && this.travelled <= STILL) this.act.click(...before);
    this.line = null;
  }
}

/**
 * @param {Map<number, [number, number]>} held
 * @param {number} moving
 * @param {[number, number]} now
 * @param {Act} act
 */
function pinch(held, moving, now, act) {
  const [other] = [...held].filter(([key]) => key !== moving).map(([, at]) => at);
  const before = held.get(moving) ?? now;
  const span = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  act.zoom(span(now, other) / Math.max(1, span(before, other)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  act.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
}

/** Whether a point lies inside a closed line (even-odd rule). */
export function inside(
  /** @type {[number, number][]} */ line,
  /** @type {number} */ column,
  /** @type {number} */ row,
) {
  let within = false;
  for (let at = 0, last = line.length - 1; at < line.length; last = at++) {
    const [x1, y1] = line[at];
    const [x2, y2] = line[last];
    if (y1 > row !== y2 > row && column < ((x2 - x1) * (row - y1)) / (y2 - y1) + x1) within = !within;
  }
  return within;
}
