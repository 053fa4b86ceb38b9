// Learning curves as SVG: a line for training, dots for validation; redrawn as they grow, at the width that there is,
// so that their texts have the same size on every screen.

import { range, ticks } from "./curves.js";
import { h, s } from "./dom.js";

/** @typedef {{ kind: "line" | "dots", colour: string, name: string, points: [number, number][] }} Line */
/** @typedef {{ title: string, floor?: number, axis: string, until: number, digits?: number, lines: Line[] }} Chart */

const HEIGHT = 230;
const LEAST_WIDTH = 240;
const MARGIN = { left: 46, right: 12, top: 10, bottom: 28 };
const PIXELS_A_TICK = 80;

/**
 * @param {Chart} chart x runs from 0 to `until`
 * @param {number} width in pixels
 */
export function drawChart(chart, width) {
  const across = Math.max(LEAST_WIDTH, Math.round(width));
  const values = chart.lines.flatMap((line) => line.points.map((point) => point[1])).filter(Number.isFinite);
  const [low, high] = range(values, chart.floor);
  const [right, bottom] = [across - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = (value) => MARGIN.left + (value / Math.max(chart.until, 1e-9)) * (right - MARGIN.left);
  const y = (value) => MARGIN.top + ((high - value) / (high - low)) * (bottom - MARGIN.top);
  const marks = ticks(low, high).map((value) => [
    s("line", { x1: MARGIN.left, x2: right, y1: y(value), y2: y(value), class: "grid" }),
    s("text", { x: MARGIN.left - 7, y: y(value) + 4, class: "tick end" }, value.toFixed(chart.digits ?? 2)),
  ]);
  const epochs = ticks(0, chart.until, Math.max(2, Math.floor((right - MARGIN.left) / PIXELS_A_TICK)))
    .filter(Number.isInteger)
    .map((value) => s("text", { x: x(value), y: HEIGHT - 8, class: "tick middle" }, String(value)));
  const drawn = chart.lines.map((line) => (line.kind === "dots" ? dots(line, x, y) : path(line, x, y)));
  const size = { viewBox: `0 0 ${across} ${HEIGHT}`, width: across, height: HEIGHT };
  const svg = s("svg", { ...size, role: "img", "aria-label": summary(chart) }, marks, epochs, drawn);
  return h("figure", { class: "chart" }, caption(chart), svg);
}

function caption(/** @type {Chart} */ chart) {
  const keys = chart.lines.filter((line) => line.points.length);
  return h(
    "figcaption",
    {},
    h("span", { class: "chart-title" }, chart.title),
    keys.map((line) => h("span", { class: `key ${line.kind} ${line.colour}` }, line.name)),
    h("span", { class: "muted axis" }, chart.axis),
  );
}

const isWhole = (/** @type {[number, number]} */ point) => point.every(Number.isFinite);

function path(/** @type {Line} */ line, x, y) {
  const good = line.points.filter(isWhole);
  if (!good.length) return null;
  const places = good.map((point, at) => `${at ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`);
  return s("path", { class: `curve ${line.colour}`, d: places.join("") });
}

const dots = (/** @type {Line} */ line, x, y) =>
  line.points
    .filter(isWhole)
    .map((point) =>
      s("circle", { class: `dot ${line.colour}`, cx: x(point[0]).toFixed(1), cy: y(point[1]).toFixed(1), r: 4 }),
    );

function summary(/** @type {Chart} */ chart) {
  const ends = chart.lines.filter((line) => line.points.length);
  const words = ends.map((line) => `${line.name} ${line.points.at(-1)?.[1].toFixed(3)}`);
  return `${chart.title}: ${words.join(", ") || "nothing yet"}`;
}
