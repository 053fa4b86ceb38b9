// The confusion matrix, of which every cell opens its images, and the reliability diagram.

import { h, s } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.look;

// counts: by true and predicted class, as the server judged them.
export function confusion(counts, names, open) {
  const cell = (label, guess) => {
    const count = counts[label][guess];
    const total = counts[label].reduce((sum, value) => sum + value, 0);
    const td = h("td", { class: label === guess ? "hit" : "" });
    td.style.setProperty("--share", total ? count / total : 0);
    td.append(
      count
        ? h(
            "button",
            {
              type: "button",
              "aria-label": TEXT.cellLabel(count, names[label], names[guess]),
              onclick: () => open(label, guess),
            },
            count.toLocaleString("en"),
          )
        : h("span", { class: "muted" }, "·"),
    );
    return td;
  };
  const head = h(
    "tr",
    {},
    h("td", { class: "corner" }, h("span", { class: "hush" }, TEXT.corner)),
    names.map((name) => h("th", { scope: "col" }, h("span", {}, name))),
  );
  const rows = names.map((name, label) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      names.map((_, guess) => cell(label, guess)),
    ),
  );
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": TEXT.confusion },
    h("table", { class: "confusion" }, h("thead", {}, head), h("tbody", {}, rows)),
  );
}

// Confidence against the share that was right, in bins of equal width; bins and error are the server's.
export function reliability(bins, error) {
  const [size, edge] = [300, 36];
  const at = (value) => edge + value * (size - edge - 8);
  const up = (value) => size - edge - value * (size - edge - 8);
  const most = Math.max(...bins.map((bin) => bin.n));
  const filled = bins.filter((bin) => bin.n);
  const marks = [0, 0.5, 1].map((value) => [
    s("text", { class: "tick middle", x: at(value), y: size - 14 }, String(value)),
    s("text", { class: "tick end", x: edge - 6, y: up(value) + 4 }, String(value)),
    s("line", { class: "grid", x1: at(0), x2: at(1), y1: up(value), y2: up(value) }),
  ]);
  const dots = filled.map((bin) =>
    s(
      "circle",
      { class: "dot train", cx: at(bin.confidence), cy: up(bin.accuracy), r: 3 + 6 * Math.sqrt(bin.n / most) },
      s("title", {}, TEXT.bin(bin.n, bin.confidence, bin.accuracy)),
    ),
  );
  const path = filled.map((bin, index) => `${index ? "L" : "M"}${at(bin.confidence)} ${up(bin.accuracy)}`).join("");
  const words = TEXT.calibration(error, bins.length);
  const svg = s(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": `${TEXT.reliability}: ${words}` },
    marks,
    s("line", { class: "ideal", x1: at(0), y1: up(0), x2: at(1), y2: up(1) }),
    s("path", { class: "curve train", d: path }),
    dots,
    s("text", { class: "tick middle", x: size / 2 + 14, y: size }, TEXT.confidence),
  );
  return h("figure", { class: "chart reliability" }, svg, h("figcaption", {}, words));
}
