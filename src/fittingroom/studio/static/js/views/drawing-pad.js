// A pad to draw a garment on: what is drawn becomes 28x28 grey pixels, the longest edge filled as in the dataset.

import { h } from "../dom.js";
import { WORDS } from "../words.js";
import { cutOut } from "./drawn-pixels.js";

const TEXT = WORDS.try;
const SIZE = 336; // pixels of the pad
const THINNEST = SIZE / 14;
const PAUSE = 250; // milliseconds after a stroke until the model is asked
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] };

export class DrawingPad {
  /**
   * @param {number} side of the picture that is asked about, in pixels
   * @param {(pixels: Uint8Array) => void} drawn
   * @param {() => void} cleared
   */
  constructor(side, drawn, cleared) {
    this.side = side;
    this.drawn = drawn;
    this.cleared = cleared;
    const words = { "aria-label": TEXT.pad, "aria-describedby": "pad-help" };
    this.canvas = h("canvas", { class: "pad", tabindex: "0", role: "application", ...words });
    this.canvas.width = this.canvas.height = SIZE;
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context = /** @type {CanvasRenderingContext2D} */ (context);
    /** @type {[number, number] | null} */
    this.last = null;
    /** @type {[number, number]} */
    this.pen = [SIZE / 2, SIZE / 2];
    this.brush = THINNEST;
    this.isEraser = false;
    this.timer = 0;
    this.empty();
    this.listen();
    const help = h("p", { class: "muted small", id: "pad-help" }, TEXT.padHelp);
    this.root = h("div", { class: "pad-box" }, this.canvas, help, this.tools());
  }

  empty() {
    clearTimeout(this.timer);
    this.context.fillStyle = "#000";
    this.context.fillRect(0, 0, SIZE, SIZE);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.last = this.place(event);
      this.stroke(this.last, this.last);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.last) return;
      const now = this.place(event);
      this.stroke(this.last, now);
      this.last = now;
    });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.last = null));
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** @returns {[number, number]} */
  place(/** @type {PointerEvent} */ event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
  }

  stroke(/** @type {[number, number]} */ from, /** @type {[number, number]} */ to) {
    const { context } = this;
    context.strokeStyle = this.isEraser ? "#000" : "#fff";
    context.lineWidth = this.brush;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    clearTimeout(this.timer);
    const pixels = () => cutOut(context.getImageData(0, 0, SIZE, SIZE).data, SIZE, this.side);
    this.timer = window.setTimeout(() => this.drawn(pixels()), PAUSE);
  }

  key(/** @type {KeyboardEvent} */ event) {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const [x, y] = this.pen.map((value, axis) => Math.min(SIZE, Math.max(0, value + move[axis])));
    if (!event.shiftKey) this.stroke(this.pen, [x, y]);
    this.pen = [x, y];
  }

  tools() {
    const size = { min: String(THINNEST), max: String(SIZE / 3), value: String(THINNEST) };
    const brush = h("input", { type: "range", id: "brush", ...size });
    brush.addEventListener("input", () => (this.brush = Math.max(THINNEST, Number(brush.value))));
    const eraser = h("button", { type: "button", "aria-pressed": "false" }, TEXT.erase);
    eraser.addEventListener("click", () => {
      this.isEraser = !this.isEraser;
      eraser.setAttribute("aria-pressed", String(this.isEraser));
      eraser.classList.toggle("primary", this.isEraser);
    });
    const clear = h("button", { type: "button", onclick: () => (this.empty(), this.cleared()) }, TEXT.clear);
    return h("div", { class: "row" }, h("label", { for: "brush" }, TEXT.brush), brush, eraser, clear);
  }
}
