// The confusion matrix, of which every cell opens its images, and the reliability diagram.

import { h, s } from "../dom.js";
import { grouped } from "../format.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.look;
const [SIZE, EDGE] = [300, 36]; // of the diagram, in pixels, at which it is shown too: so its texts keep their size

/**
 * @param {number[][]} counts by true and predicted class, as the server judged them
 * @param {string[]} names
 * @param {(label: number, guess: number) => void} open
 */
export function confusion(counts, names, open) {
  const cell = (/** @type {number} */ label, /** @type {number} */ guess) => {
    const count = counts[label][guess];
    const total = counts[label].reduce((sum, value) => sum + value, 0);
    const td = h("td", { class: label === guess ? "hit" : "" });
    td.style.setProperty("--share", String(total ? count / total : 0));
    const act = { "aria-label": TEXT.cellLabel(count, names[label], names[guess]), onclick: () => open(label, guess) };
    const none = h("span", { class: "muted" }, "·");
    td.append(count ? h("button", { type: "button", ...act }, grouped(count)) : none);
    return td;
  };
  const corner = h("td", { class: "corner" }, h("span", { class: "hush" }, TEXT.corner));
  const across = names.map((name) => h("th", { scope: "col" }, h("span", {}, name)));
  const rows = names.map(
    (name, label) =>
    h("tr", {}, h("th", { scope: "row" }, name), names.map((_, guess) => cell(label, guess))), // prettier-ignore
  );
  const table = h("table", { class: "confusion" }, h("thead", {}, h("tr", {}, corner, across)), h("tbody", {}, rows));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": TEXT.confusion }, table);
}

/**
 * Confidence against the share that was right.
 * @param {{ n: number, confidence: number, accuracy: number }[]} bins of equal width, from the server
 * @param {number} error from the server
 */
export function reliability(bins, error) {
  const most = Math.max(...bins.map((bin) => bin.n));
  const filled = bins.filter((bin) => bin.n);
  const dots = filled.map((bin) => {
    const size = { cx: right(bin.confidence), cy: up(bin.accuracy), r: 3 + 6 * Math.sqrt(bin.n / most) };
    return s("circle", { class: "dot train", ...size }, s("title", {}, TEXT.bin(bin.n, bin.confidence, bin.accuracy)));
  });
  const places = filled.map((bin, at) => `${at ? "L" : "M"}${right(bin.confidence)} ${up(bin.accuracy)}`);
  const words = TEXT.calibration(error, bins.length);
  const size = { width: SIZE, height: SIZE };
  const svg = s(
    "svg",
    { viewBox: `0 0 ${SIZE} ${SIZE}`, ...size, role: "img", "aria-label": `${TEXT.reliability}: ${words}` },
    [0, 0.5, 1].map(mark),
    s("line", { class: "ideal", x1: right(0), y1: up(0), x2: right(1), y2: up(1) }),
    s("path", { class: "curve train", d: places.join("") }),
    dots,
    s("text", { class: "tick middle", x: SIZE / 2 + 14, y: SIZE }, TEXT.confidence),
  );
  return h("figure", { class: "chart reliability" }, svg, h("figcaption", {}, words));
}

const right = (/** @type {number} */ value) => EDGE + value * (SIZE - EDGE - 8);
const up = (/** @type {number} */ value) => SIZE - EDGE - value * (SIZE - EDGE - 8);

const mark = (/** @type {number} */ value) => [
  s("text", { class: "tick middle", x: right(value), y: SIZE - 18 }, String(value)),
  s("text", { class: "tick end", x: EDGE - 6, y: up(value) + 4 }, String(value)),
  s("line", { class: "grid", x1: right(0), x2: right(1), y1: up(value), y2: up(value) }),
];
