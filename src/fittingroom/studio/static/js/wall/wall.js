// The wall itself: a canvas of all pictures to fly over, by mouse, touch or keyboard.

import { packed } from "../colours.js";
import { h, replace } from "../dom.js";
import { colour } from "../theme.js";
import { WORDS } from "../words.js";
import * as cameras from "./camera.js";
import { inside, listen } from "./pointer.js";
import { draw, hit, tileSize } from "./raster.js";

const MOST_PIXELS = 2.6e6; // of the canvas; a finer screen is drawn at half its fineness
const FLIGHT = 450; // milliseconds from one arrangement to the next

export function makeWall(store, { open, choose, describe }) {
  const canvas = h("canvas", {
    class: "wall-canvas",
    tabindex: "0",
    role: "application",
    "aria-label": WORDS.wall.label,
    "aria-describedby": "wall-help",
  });
  const titles = h("div", { class: "wall-titles", "aria-hidden": "true" });
  const tip = h("div", { class: "wall-tip", "aria-hidden": "true", hidden: true });
  const said = h("div", { class: "hush", role: "status", "aria-live": "polite" });
  const root = h(
    "div",
    { class: "wall-view" },
    canvas,
    titles,
    tip,
    said,
    h("p", { class: "hush", id: "wall-help" }, WORDS.wall.help),
  );
  const context = canvas.getContext("2d", { alpha: false });
  const scene = {
    count: store.count,
    x: null,
    y: null,
    levels: store.levels,
    tints: null,
    ramps: [],
    background: 0,
    overlap: false,
    shown: null,
  };
  const view = {
    width: 0,
    height: 0,
    density: 1,
    camera: null,
    least: 0.1,
    bounds: null,
    from: null,
    started: 0,
    cursor: -1,
    selected: -1,
    lasso: false,
    line: null,
    titles: [],
    asked: 0,
  };
  let frame = null;

  const ask = () => (view.asked ||= requestAnimationFrame(paint));
  const device = () => ({ ...view.camera, scale: view.camera.scale * view.density });

  function paint(now) {
    view.asked = 0;
    if (!frame || !scene.x) return;
    const flying = fly(now);
    draw(frame, device(), flying ?? scene);
    context.putImageData(frame.image, 0, 0);
    mark(view.cursor, "--accent", 2);
    mark(view.selected, "--accent", 3);
    if (view.line) trace(view.line);
    placeTitles();
    if (flying) ask();
  }

  // The scene on its way from the last arrangement to this one, or null when it has arrived.
  function fly(now) {
    if (!view.from) return null;
    view.started ||= now;
    const share = Math.min(1, (now - view.started) / FLIGHT);
    if (share === 1) return (view.from = null);
    const eased = share * share * (3 - 2 * share);
    const { x, y } = view.from;
    for (let image = 0; image < scene.count; image++) {
      view.x[image] = x[image] + (scene.x[image] - x[image]) * eased;
      view.y[image] = y[image] + (scene.y[image] - y[image]) * eased;
    }
    return { ...scene, x: view.x, y: view.y };
  }

  function corner(image) {
    const { camera, width, height } = view;
    return [
      (scene.x[image] - camera.x) * camera.scale + width / 2,
      (scene.y[image] - camera.y) * camera.scale + height / 2,
    ];
  }

  function mark(image, token, thick) {
    if (image < 0 || Number.isNaN(scene.x[image])) return;
    const [column, row] = corner(image);
    const size = tileSize(device(), scene.overlap);
    context.lineWidth = thick * view.density;
    context.strokeStyle = getComputedStyle(root).getPropertyValue(token);
    context.strokeRect(column * view.density - 1, row * view.density - 1, size + 2, size + 2);
  }

  function trace(line) {
    context.beginPath();
    for (const [column, row] of line) context.lineTo(column * view.density, row * view.density);
    context.closePath();
    context.lineWidth = 2 * view.density;
    context.strokeStyle = getComputedStyle(root).getPropertyValue("--accent");
    context.stroke();
  }

  function placeTitles() {
    const { camera, width, height } = view;
    view.titles.forEach((title, at) => {
      const element = titles.children[at];
      const left = (title.x - camera.x) * camera.scale + width / 2;
      const top = (title.y - camera.y) * camera.scale + height / 2;
      const wide = title.across * camera.scale;
      element.hidden = left > width || left + wide < 0 || top > height + 20 || top < -height * 40;
      element.style.transform = `translate(${Math.round(Math.max(left, Math.min(8, left + wide - 60)))}px, ${Math.round(top - 24)}px)`;
      element.style.maxWidth = `${Math.max(60, Math.round(wide))}px`;
    });
  }

  function resize() {
    const box = root.getBoundingClientRect();
    if (!box.width || !box.height) return false;
    view.width = box.width;
    view.height = box.height;
    view.density = box.width * box.height * devicePixelRatio ** 2 > MOST_PIXELS ? 1 : devicePixelRatio;
    canvas.width = Math.round(box.width * view.density);
    canvas.height = Math.round(box.height * view.density);
    const image = context.createImageData(canvas.width, canvas.height);
    frame = { image, buffer: new Uint32Array(image.data.buffer), width: canvas.width, height: canvas.height };
    return true;
  }

  function home(animate = false) {
    view.camera = cameras.fit(view.bounds, view.width, view.height);
    view.least = view.camera.scale * 0.7;
    if (view.even >= 2) view.camera.scale = Math.min(56, Math.floor(view.even));
    const hidden = view.bounds.bottom - view.bounds.top - view.height / view.camera.scale;
    if (hidden > 0) view.camera.y = view.bounds.top + view.height / 2 / view.camera.scale;
    if (!animate) view.from = null;
    ask();
  }

  function point(image, follow = true) {
    view.cursor = image;
    if (image >= 0 && follow) {
      const [column, row] = corner(image);
      const size = tileSize(view.camera, scene.overlap);
      if (column < 20 || row < 20 || column + size > view.width - 20 || row + size > view.height - 20)
        Object.assign(view.camera, { x: scene.x[image], y: scene.y[image] });
    }
    if (image >= 0) said.textContent = describe(image);
    ask();
  }

  // The nearest picture in a direction from the cursor; without a cursor the one in the middle.
  function step(dx, dy) {
    const [x, y] =
      view.cursor >= 0 && !Number.isNaN(scene.x[view.cursor])
        ? [scene.x[view.cursor], scene.y[view.cursor]]
        : [view.camera.x, view.camera.y];
    let best = -1;
    let least = Infinity;
    for (let image = 0; image < scene.count; image++) {
      const [along, aside] = [
        (scene.x[image] - x) * dx + (scene.y[image] - y) * dy,
        Math.abs((scene.x[image] - x) * dy) + Math.abs((scene.y[image] - y) * dx),
      ];
      const cost = along + 2.5 * aside;
      if (image !== view.cursor && (view.cursor < 0 || along > 1e-4) && Math.abs(cost) < least)
        [best, least] = [image, Math.abs(cost)];
    }
    if (best >= 0) point(best);
  }

  const act = {
    isLasso: () => view.lasso,
    move(dx, dy) {
      view.camera = cameras.moved(view.camera, dx, dy, view.bounds);
      tip.hidden = true;
      ask();
    },
    zoom(factor, column = view.width / 2, row = view.height / 2) {
      view.camera = cameras.zoomed(view.camera, factor, column, row, view.width, view.height, view.least);
      ask();
    },
    at: (column, row) => hit(device(), scene, frame.width, frame.height, column * view.density, row * view.density),
    click(column, row) {
      const image = act.at(column, row);
      if (image >= 0) open(image);
    },
    hover(column, row) {
      const image = column < 0 || !frame ? -1 : act.at(column, row);
      tip.hidden = image < 0;
      if (image < 0) return;
      tip.textContent = describe(image);
      tip.style.transform = `translate(${Math.min(column + 14, view.width - 220)}px, ${Math.min(row + 16, view.height - 40)}px)`;
    },
    lasso(line, done) {
      view.line = line;
      ask();
      if (!done) return;
      view.line = null;
      const chosen = [];
      const half = tileSize(view.camera, scene.overlap) / 2;
      for (let image = 0; image < scene.count; image++) {
        const [column, row] = corner(image);
        if (inside(line, column + half, row + half)) chosen.push(image);
      }
      choose(chosen);
    },
  };
  const KEYS = {
    ArrowLeft: () => step(-1, 0),
    ArrowRight: () => step(1, 0),
    ArrowUp: () => step(0, -1),
    ArrowDown: () => step(0, 1),
    "+": () => act.zoom(1.4, ...middle()),
    "=": () => act.zoom(1.4, ...middle()),
    "-": () => act.zoom(1 / 1.4, ...middle()),
    0: () => home(),
    Enter: () => view.cursor >= 0 && open(view.cursor),
    " ": () => view.cursor >= 0 && open(view.cursor),
  };
  const middle = () =>
    view.cursor >= 0 && !Number.isNaN(scene.x[view.cursor]) ? corner(view.cursor) : [view.width / 2, view.height / 2];
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  listen(canvas, act);
  const observer = new ResizeObserver(() => resize() && (view.camera && ask(), view.rearrange?.()));
  observer.observe(root);
  store.listeners.add(ask);

  return {
    root,
    size: () => [view.width || root.clientWidth, view.height || root.clientHeight],
    onresize: (action) => (view.rearrange = action),
    arrange(arranged, { overlap = false } = {}) {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      view.from = scene.x && !still ? { x: scene.x, y: scene.y } : null;
      if (view.from)
        Object.assign(view, { started: 0, x: new Float32Array(scene.count), y: new Float32Array(scene.count) });
      Object.assign(scene, { x: arranged.x, y: arranged.y, overlap });
      Object.assign(view, { bounds: arranged.bounds, titles: arranged.titles, even: arranged.scale ?? 0, cursor: -1 });
      replace(
        titles,
        arranged.titles.map((title) => h("span", {}, title.name, h("small", {}, title.count.toLocaleString("en")))),
      );
      home(true);
    },
    paint(tints, ramps) {
      Object.assign(scene, { tints, ramps, background: packed(colour("--paper")) });
      ask();
    },
    show(shown) {
      scene.shown = shown;
      ask();
    },
    select(image, reveal = false) {
      view.selected = image;
      if (reveal && image >= 0 && !Number.isNaN(scene.x[image])) {
        view.camera = { x: scene.x[image] + 0.5, y: scene.y[image] + 0.5, scale: Math.max(view.camera.scale, 28) };
      }
      ask();
    },
    zoom: (factor) => act.zoom(factor),
    home() {
      home();
      view.camera = cameras.fit(view.bounds, view.width, view.height);
    },
    lasso: (on) => ((view.lasso = on), canvas.classList.toggle("lasso", on)),
    focus: () => canvas.focus(),
    close: () => (observer.disconnect(), store.listeners.delete(ask), cancelAnimationFrame(view.asked)),
  };
}
