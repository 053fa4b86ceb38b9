// Learning curves as SVG: a line for training, dots for validation; redrawn as they grow.

import { h, s } from "./dom.js";

const [WIDTH, HEIGHT] = [560, 250];
const MARGIN = { left: 46, right: 12, top: 10, bottom: 30 };

// lines: [{ name, kind: "line" | "dots", colour, points: [[x, y], ...] }]; x runs from 0 to `until`.
export function chart(title, lines, until, axis, digits = 2) {
  const values = lines.flatMap((line) => line.points.map((point) => point[1])).filter(Number.isFinite);
  const [low, high] = range(values, title.floor);
  const x = (value) => MARGIN.left + (value / Math.max(until, 1e-9)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value) => MARGIN.top + ((high - value) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const marks = ticks(low, high).map((value) => [
    s("line", { x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value), class: "grid" }),
    s("text", { x: MARGIN.left - 7, y: y(value) + 4, class: "tick end" }, value.toFixed(digits)),
  ]);
  const steps = ticks(0, until, 6)
    .filter(Number.isInteger)
    .map((value) => s("text", { x: x(value), y: HEIGHT - 10, class: "tick middle" }, String(value)));
  const drawn = lines.map((line) => (line.kind === "dots" ? dots(line, x, y) : path(line, x, y)));
  const svg = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary(title.words, lines) },
    marks,
    steps,
    drawn,
  );
  const legend = h(
    "figcaption",
    {},
    h("span", { class: "chart-title" }, title.words),
    lines
      .filter((line) => line.points.length)
      .map((line) => h("span", { class: `key ${line.kind} ${line.colour}` }, line.name)),
    h("span", { class: "muted axis" }, axis),
  );
  return h("figure", { class: "chart" }, legend, svg);
}

function range(values, floor) {
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * 0.08, 0.01);
  return [Math.max(floor ?? -Infinity, low - room), high + room];
}

// Round numbers between two values.
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1e-9)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? power;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, at) =>
    Number(((first + at) * step).toPrecision(6)),
  );
}

function path(line, x, y) {
  const good = line.points.filter((point) => point.every(Number.isFinite));
  if (!good.length) return null;
  return s("path", {
    class: `curve ${line.colour}`,
    d: good.map((point, at) => `${at ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join(""),
  });
}

const dots = (line, x, y) =>
  line.points
    .filter((point) => point.every(Number.isFinite))
    .map((point) =>
      s("circle", { class: `dot ${line.colour}`, cx: x(point[0]).toFixed(1), cy: y(point[1]).toFixed(1), r: 4 }),
    );

function summary(words, lines) {
  const ends = lines
    .filter((line) => line.points.length)
    .map((line) => `${line.name} ${line.points.at(-1)[1]?.toFixed(3)}`);
  return `${words}: ${ends.join(", ") || "nothing yet"}`;
}
