// A pad to draw a garment on: what is drawn becomes 28x28 grey pixels, the longest edge filled as in the dataset.

import { h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;
const SIZE = 336; // pixels of the pad
const THINNEST = SIZE / 14;
const PAUSE = 250; // milliseconds after a stroke until the model is asked

export function drawingPad(side, ask, clear) {
  const canvas = h("canvas", {
    class: "pad",
    tabindex: "0",
    role: "application",
    "aria-label": TEXT.pad,
    "aria-describedby": "pad-help",
  });
  canvas.width = canvas.height = SIZE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const state = { last: null, brush: THINNEST, erase: false, timer: 0, pen: [SIZE / 2, SIZE / 2] };
  const empty = () => {
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIZE, SIZE);
  };
  empty();

  function stroke(from, to) {
    context.strokeStyle = state.erase ? "#000" : "#fff";
    context.lineWidth = state.brush;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(to[0] + 0.01, to[1]);
    context.stroke();
    clearTimeout(state.timer);
    state.timer = setTimeout(() => ask(shrunk(context, side)), PAUSE);
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIZE, ((event.clientY - box.top) / box.height) * SIZE];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    state.last = place(event);
    stroke(state.last, state.last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!state.last) return;
    const now = place(event);
    stroke(state.last, now);
    state.last = now;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (state.last = null));
  const MOVES = { ArrowLeft: [-12, 0], ArrowRight: [12, 0], ArrowUp: [0, -12], ArrowDown: [0, 12] };
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const next = state.pen.map((value, axis) => Math.min(SIZE, Math.max(0, value + move[axis])));
    if (!event.shiftKey) stroke(state.pen, next);
    state.pen = next;
  });

  const brush = h("input", {
    type: "range",
    min: String(THINNEST),
    max: String(SIZE / 3),
    value: String(THINNEST),
    id: "brush",
    oninput: () => (state.brush = Math.max(THINNEST, Number(brush.value))),
  });
  const eraser = h(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      onclick: () => {
        state.erase = !state.erase;
        eraser.setAttribute("aria-pressed", String(state.erase));
        eraser.classList.toggle("primary", state.erase);
      },
    },
    TEXT.erase,
  );
  const wipe = h(
    "button",
    { type: "button", onclick: () => (clearTimeout(state.timer), empty(), clear()) },
    TEXT.clear,
  );
  return h(
    "div",
    { class: "pad-box" },
    canvas,
    h("p", { class: "muted small", id: "pad-help" }, TEXT.padHelp),
    h("div", { class: "row" }, h("label", { for: "brush" }, TEXT.brush), brush, eraser, wipe),
  );
}

// The drawing cut out and made as large as the dataset's articles are: the longest edge from side to side, centred.
function shrunk(context, side) {
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  let [left, top, right, bottom] = [SIZE, SIZE, -1, -1];
  for (let at = 0; at < SIZE * SIZE; at++) {
    if (data[4 * at] < 40) continue;
    const [x, y] = [at % SIZE, Math.floor(at / SIZE)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < left) return new Uint8Array(side * side);
  const longest = Math.max(right - left, bottom - top) + 1;
  const [startX, startY] = [(left + right + 1 - longest) / 2, (top + bottom + 1 - longest) / 2];
  return Uint8Array.from({ length: side * side }, (_, at) =>
    area(
      data,
      startX + ((at % side) * longest) / side,
      startY + (Math.floor(at / side) * longest) / side,
      longest / side,
    ),
  );
}

function area(data, x, y, size) {
  let [sum, count] = [0, 0];
  for (let row = Math.floor(y); row < Math.max(y + size, Math.floor(y) + 1); row++) {
    for (let column = Math.floor(x); column < Math.max(x + size, Math.floor(x) + 1); column++) {
      sum += row >= 0 && row < SIZE && column >= 0 && column < SIZE ? data[4 * (row * SIZE + column)] : 0;
      count += 1;
    }
  }
  return Math.round(sum / count);
}
