// The wall itself: a canvas of all pictures to fly over, by mouse, touch or keyboard.

import { packed } from "../colours.js";
import { h } from "../dom.js";
import { colour } from "../theme.js";
import { WORDS } from "../words.js";
import * as cameras from "./camera.js";
import { Flight } from "./flight.js";
import { inside, listen } from "./pointer.js";
import { draw, hit, tileSize } from "./raster.js";
import { nextImage } from "./steps.js";
import { Titles } from "./titles.js";

const MOST_PIXELS = 2.6e6; // of the canvas; a finer screen is drawn at half its fineness
const EDGE = 20; // pixels from the edge at which the view follows the cursor

/**
 * @typedef {object} Told what the wall tells
 * @property {(image: number) => void} open an image was clicked
 * @property {(images: number[]) => void} choose images were caught with the lasso
 * @property {() => void} chooseShown all that are shown are to be selected
 * @property {(image: number) => string} describe an image in words
 * @property {() => void} resized the view has another size, and nobody has moved it
 */

export class Wall {
  constructor(/** @type {import("../store.js").Store} */ store, /** @type {Told} */ told) {
    this.store = store;
    this.told = told;
    const help = { "aria-label": WORDS.wall.label, "aria-describedby": "wall-help" };
    this.canvas = h("canvas", { class: "wall-canvas", tabindex: "0", role: "application", ...help });
    this.tip = h("div", { class: "wall-tip", "aria-hidden": "true", hidden: true });
    this.said = h("div", { class: "hush", role: "status", "aria-live": "polite" });
    this.titles = new Titles();
    const keys = h("p", { class: "hush", id: "wall-help" }, WORDS.wall.help);
    this.root = h("div", { class: "wall-view" }, this.canvas, this.titles.root, this.tip, this.said, keys);
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    /** @type {any} */
    this.scene = { count: store.count, x: null, y: null, levels: store.levels, tints: null, ramps: [], overlap: false };
    this.scene.background = packed(colour("--paper"));
    this.width = this.height = this.asked = 0; // of the view in pixels; of the frame that was asked for
    this.density = 1;
    this.least = 0.1; // pixels a tile
    this.cursor = this.selected = -1; // images
    this.isMoved = this.isLasso = false;
    this.even = 0;
    /** @type {any} */
    this.camera = null;
    /** @type {any} */
    this.bounds = null;
    /** @type {any} */
    this.frame = null;
    /** @type {[number, number][] | null} */
    this.line = null;
    /** @type {Flight | null} */
    this.flight = null;
    listen(this.canvas, this.acts());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.root);
    this.redraw = () => (this.asked ||= requestAnimationFrame((now) => this.paint(now)));
    store.listeners.add(this.redraw);
  }

  close() {
    this.observer.disconnect();
    this.store.listeners.delete(this.redraw);
    cancelAnimationFrame(this.asked);
  }

  size() {
    if (!this.frame) this.measure();
    return [this.width, this.height];
  }

  device() {
    return { ...this.camera, scale: this.camera.scale * this.density };
  }

  corner(/** @type {number} */ image) {
    return cameras.corner(this.camera, this.scene.x[image], this.scene.y[image], this.width, this.height);
  }

  isThere(/** @type {number} */ image) {
    return image >= 0 && this.scene.x !== null && !Number.isNaN(this.scene.x[image]);
  }

  paint(/** @type {number} */ now) {
    this.asked = 0;
    if (!this.frame || !this.scene.x) return;
    const flying = this.flight?.at(now) ?? null;
    if (!flying) this.flight = null;
    draw(this.frame, this.device(), flying ? { ...this.scene, ...flying } : this.scene);
    this.context.putImageData(this.frame.image, 0, 0);
    this.mark(this.cursor, 2);
    this.mark(this.selected, 3);
    if (this.line) this.trace(this.line);
    this.titles.place(this.camera, this.width, this.height);
    if (flying) this.redraw();
  }

  mark(/** @type {number} */ image, /** @type {number} */ thick) {
    if (!this.isThere(image)) return;
    const [column, row] = this.corner(image);
    const size = tileSize(this.device(), this.scene.overlap);
    this.pen(thick);
    this.context.strokeRect(column * this.density - 1, row * this.density - 1, size + 2, size + 2);
  }

  trace(/** @type {[number, number][]} */ line) {
    this.context.beginPath();
    for (const [column, row] of line) this.context.lineTo(column * this.density, row * this.density);
    this.context.closePath();
    this.pen(2);
    this.context.stroke();
  }

  pen(/** @type {number} */ thick) {
    this.context.lineWidth = thick * this.density;
    this.context.strokeStyle = getComputedStyle(this.root).getPropertyValue("--accent");
  }

  // What has been moved or zoomed stays where it is; what shows everything is arranged anew to show everything.
  resize() {
    if (!this.measure()) return;
    if (this.camera) this.redraw();
    if (!this.isMoved) this.told.resized();
  }

  /** Take up the size of the view; say whether it is another one. */
  measure() {
    const { width, height } = this.root.getBoundingClientRect();
    if (!width || !height || (width === this.width && height === this.height)) return false;
    this.width = width;
    this.height = height;
    this.density = width * height * devicePixelRatio ** 2 > MOST_PIXELS ? 1 : devicePixelRatio;
    this.canvas.width = Math.round(width * this.density);
    this.canvas.height = Math.round(height * this.density);
    const image = this.context.createImageData(this.canvas.width, this.canvas.height);
    const size = { width: this.canvas.width, height: this.canvas.height };
    this.frame = { image, buffer: new Uint32Array(image.data.buffer), ...size };
    return true;
  }

  arrange(/** @type {import("./arrange.js").Arranged} */ arranged, overlap = false) {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const { x, y } = this.scene;
    this.flight = x && !isStill ? new Flight({ x, y }, arranged) : null;
    Object.assign(this.scene, { x: arranged.x, y: arranged.y, overlap });
    this.bounds = arranged.bounds;
    this.even = arranged.scale;
    this.cursor = -1;
    this.titles.show(arranged.titles);
    this.camera = cameras.home(this.bounds, this.width, this.height, this.even);
    this.least = cameras.fit(this.bounds, this.width, this.height).scale * 0.7;
    this.isMoved = false;
    this.redraw();
  }

  colour(/** @type {Uint8Array | null} */ tints, /** @type {Uint32Array[]} */ ramps) {
    Object.assign(this.scene, { tints, ramps, background: packed(colour("--paper")) });
    this.redraw();
  }

  show(/** @type {Uint8Array | null} */ shown) {
    this.scene.shown = shown;
    this.redraw();
  }

  select(/** @type {number} */ image, reveal = false) {
    this.selected = image;
    if (reveal && this.isThere(image)) {
      this.look(cameras.revealing(this.camera, this.scene.x[image], this.scene.y[image]));
    }
    this.redraw();
  }

  look(/** @type {cameras.Camera} */ camera) {
    this.camera = camera;
    this.isMoved = true;
    this.redraw();
  }

  home() {
    this.camera = cameras.fit(this.bounds, this.width, this.height);
    this.flight = null;
    this.isMoved = false;
    this.redraw();
  }

  zoom(/** @type {number} */ factor, column = this.width / 2, row = this.height / 2) {
    if (!this.camera) return;
    this.look(cameras.zoomed(this.camera, factor, column, row, this.width, this.height, this.least));
  }

  lasso(/** @type {boolean} */ on) {
    this.isLasso = on;
    this.canvas.classList.toggle("lasso", on);
  }

  point(/** @type {number} */ image) {
    this.cursor = image;
    const [column, row] = this.corner(image);
    const size = tileSize(this.camera, this.scene.overlap);
    const isOut = column < EDGE || row < EDGE || column + size > this.width - EDGE || row + size > this.height - EDGE;
    if (isOut) this.look({ ...this.camera, x: this.scene.x[image], y: this.scene.y[image] });
    this.said.textContent = this.told.describe(image);
    this.redraw();
  }

  step(/** @type {number} */ dx, /** @type {number} */ dy) {
    const next = nextImage(this.scene, this.isThere(this.cursor) ? this.cursor : -1, this.camera, dx, dy);
    if (next >= 0) this.point(next);
  }

  /** @returns {import("./pointer.js").Act} */
  acts() {
    return {
      isLasso: () => this.isLasso,
      move: (columns, rows) => {
        this.tip.hidden = true;
        if (this.camera) this.look(cameras.moved(this.camera, columns, rows, this.bounds));
      },
      zoom: (factor, column, row) => this.zoom(factor, column, row),
      click: (column, row) => {
        const image = this.at(column, row);
        if (image >= 0) this.told.open(image);
      },
      hover: (column, row) => this.hover(column, row),
      lasso: (line, done) => this.draw(line, done),
    };
  }

  at(/** @type {number} */ column, /** @type {number} */ row) {
    if (column < 0 || !this.frame || !this.scene.x) return -1;
    const { width, height } = this.frame;
    return hit(this.device(), this.scene, width, height, column * this.density, row * this.density);
  }

  hover(/** @type {number} */ column, /** @type {number} */ row) {
    const image = this.at(column, row);
    this.tip.hidden = image < 0;
    if (image < 0) return;
    this.tip.textContent = this.told.describe(image);
    const place = [Math.min(column + 14, this.width - 220), Math.min(row + 16, this.height - 40)];
    this.tip.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
  }

  draw(/** @type {[number, number][]} */ line, /** @type {boolean} */ done) {
    this.line = done ? null : line;
    this.redraw();
    if (!done) return;
    const half = tileSize(this.camera, this.scene.overlap) / 2;
    const chosen = [];
    for (let image = 0; image < this.scene.count; image++) {
      const [column, row] = this.corner(image);
      if (inside(line, column + half, row + half)) chosen.push(image);
    }
    this.told.choose(chosen);
  }

  key(/** @type {KeyboardEvent} */ event) {
    const middle = this.isThere(this.cursor) ? this.corner(this.cursor) : [this.width / 2, this.height / 2];
    const open = () => this.cursor >= 0 && this.told.open(this.cursor);
    const act = {
      ArrowLeft: () => this.step(-1, 0),
      ArrowRight: () => this.step(1, 0),
      ArrowUp: () => this.step(0, -1),
      ArrowDown: () => this.step(0, 1),
      "+": () => this.zoom(1.4, ...middle),
      "=": () => this.zoom(1.4, ...middle),
      "-": () => this.zoom(1 / 1.4, ...middle),
      0: () => this.home(),
      Enter: open,
      " ": open,
    }[event.key];
    if (!act || !this.camera || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }
}
