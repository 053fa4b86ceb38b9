// Mouse, touch and pen on the wall: drag to move, wheel or pinch to zoom, click to open, or draw a lasso.

const STILL = 5; // pixels that a click may move

// act: move(dx, dy), zoom(factor, column, row), click(column, row), hover(column, row), lasso(points, done), isLasso()
export function listen(canvas, act) {
  const held = new Map();
  let travelled = 0;
  let line = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, place(event));
    travelled = 0;
    line = act.isLasso() && held.size === 1 ? [place(event)] : null;
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = held.get(event.pointerId);
    if (!before) return act.hover(...now);
    travelled += Math.abs(now[0] - before[0]) + Math.abs(now[1] - before[1]);
    if (line) {
      line.push(now);
      act.lasso(line, false);
    } else if (held.size === 2) pinch(held, event.pointerId, now, act);
    else if (travelled > STILL) act.move(now[0] - before[0], now[1] - before[1]);
    held.set(event.pointerId, now);
  });
  const up = (event) => {
    const before = held.get(event.pointerId);
    held.delete(event.pointerId);
    if (!before) return;
    if (line && travelled > STILL) act.lasso(line, true);
    else if (event.type === "pointerup" && travelled <= STILL) act.click(...before);
    line = null;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => act.hover(-1, -1));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      act.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...place(event));
    },
    { passive: false },
  );
}

function pinch(held, moving, now, act) {
  const [other] = [...held].filter(([key]) => key !== moving).map(([, at]) => at);
  const before = held.get(moving);
  const span = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  act.zoom(span(now, other) / Math.max(1, span(before, other)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  act.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
}

// Whether a point lies inside a closed line (even-odd rule).
export function inside(line, column, row) {
  let within = false;
  for (let at = 0, last = line.length - 1; at < line.length; last = at++) {
    const [x1, y1] = line[at];
    const [x2, y2] = line[last];
    if (y1 > row !== y2 > row && column < ((x2 - x1) * (row - y1)) / (y2 - y1) + x1) within = !within;
  }
  return within;
}
