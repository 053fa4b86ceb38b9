// The data: a wall and a map of all images, and each of them large.

import { get } from "../api.js";
import { h, replace, toast } from "../dom.js";
import { icon } from "../icons.js";
import { ready } from "../jobs.js";
import { answersOf, isTrain, openStore } from "../store.js";
import { WORDS } from "../words.js";
import * as arrange from "../wall/arrange.js";
import { makeWall } from "../wall/wall.js";
import { detail, selection } from "./detail.js";
import { controls } from "./data-controls.js";
import { groupsOf, legendOf, visible, tintsOf } from "./data-columns.js";

const TEXT = WORDS.data;

export async function mount(root, { about, rest, query }) {
  const models = await get("models");
  const start =
    query.get("dataset") ??
    about.datasets.find((each) => each.name === "fashion-mnist" && about.datasets[0].name === each.name)?.name ??
    about.datasets[0].name;
  const state = {
    dataset: start,
    arrange: "wall",
    model: "",
    group: "label",
    order: "index",
    colour: "none",
    label: "",
    split: "",
    verdict: "all",
    method: "pca",
    answers: null,
    open: null,
  };
  const stop = new AbortController();
  const status = h("span", { class: "wall-status", role: "status" }, WORDS.loading);
  const stage = h("div", { class: "wall-stage" });
  const panel = h("aside", { class: "wall-panel", "aria-label": TEXT.selection, hidden: true });
  const legend = h("div", { class: "legend" });
  const bar = h("div", { class: "wall-bar" });
  const page = h(
    "section",
    { class: "data-page" },
    h("h1", { class: "hush" }, WORDS.parts.data),
    bar,
    h("div", { class: "wall-body" }, stage, panel),
  );
  replace(root, page);
  let store, wall, images;

  const describe = (index) => {
    const answered = state.answers
      ? TEXT.answered(store.facts.class_names[state.answers.predicted[index]], state.answers.confidence[index])
      : "";
    return (
      TEXT.tip(
        index,
        store.facts.class_names[store.labels[index]],
        isTrain(store, index) ? WORDS.split.train : WORDS.split.test,
      ) + answered
    );
  };
  const closePanel = () => {
    panel.hidden = true;
    state.open = null;
    wall.select(-1);
    wall.show(null);
    wall.focus();
  };
  const openImage = (index, reveal = false) => {
    panel.hidden = false;
    state.open = index;
    wall.select(index, reveal);
    const order = images.indexOf(index);
    const neighbour = (by) => images[order + by];
    detail(panel, {
      store,
      index,
      model: state.answers ? state.model : "",
      close: closePanel,
      open: (other) => openImage(other, true),
      previous: neighbour(-1),
      next: order >= 0 ? neighbour(1) : undefined,
    });
  };
  const choose = (chosen) => {
    if (!chosen.length) return closePanel();
    const shown = new Uint8Array(store.count);
    for (const index of chosen) shown[index] = 1;
    wall.show(shown);
    panel.hidden = false;
    state.open = null;
    selection(panel, {
      store,
      chosen,
      answers: state.answers,
      close: closePanel,
      open: (index) => openImage(index, false),
    });
  };

  async function openDataset() {
    wall?.close();
    replace(stage, h("p", { class: "lone muted" }, WORDS.loading));
    store = await openStore(state.dataset);
    wall = makeWall(store, { open: openImage, choose, describe });
    wall.onresize(() => place());
    replace(stage, wall.root, tools(), legend);
    state.answers = null;
    const tellArrival = () => count();
    store.listeners.add(tellArrival);
    stop.signal.addEventListener("abort", () => store.listeners.delete(tellArrival));
    store.whole.catch((error) => toast(error.message));
    draw();
  }

  function tools() {
    const lasso = h(
      "button",
      { type: "button", class: "icon", "aria-label": TEXT.lasso, title: TEXT.lasso, "aria-pressed": "false" },
      icon("lasso"),
    );
    lasso.addEventListener("click", () => {
      const on = lasso.getAttribute("aria-pressed") !== "true";
      lasso.setAttribute("aria-pressed", String(on));
      wall.lasso(on);
    });
    const button = (name, words, action) =>
      h("button", { type: "button", class: "icon", "aria-label": words, title: words, onclick: action }, icon(name));
    return h(
      "div",
      { class: "wall-tools" },
      lasso,
      button("plus", TEXT.zoomIn, () => wall.zoom(1.6)),
      button("minus", TEXT.zoomOut, () => wall.zoom(1 / 1.6)),
      button("fit", TEXT.fit, () => wall.home()),
    );
  }

  function count() {
    const share = store.arrived / store.facts.sheets;
    status.textContent =
      images && !images.length ? TEXT.none : share < 1 ? TEXT.arriving(share) : TEXT.shown(images.length, store.count);
  }

  async function place() {
    const [width, height] = wall.size();
    state.placing = null;
    if (!width || !height) return;
    if (state.arrange === "wall")
      return wall.arrange(arrange.wall(store.count, groupsOf(store, state, images), width, height));
    const source = new URLSearchParams({
      dataset: state.dataset,
      model: state.answers ? state.model : "",
      method: state.method,
    });
    const key = source.toString();
    const mine = (state.placing = {});
    const positions = await mapOf(key, source);
    if (state.placing === mine) wall.arrange(arrange.map(store.count, positions, images), { overlap: true });
  }

  // A map's positions; one that is on its way is not asked for again.
  function mapOf(key, source) {
    const maps = (store.maps ??= new Map());
    if (!maps.has(key))
      maps.set(
        key,
        fetchMap(source).catch((error) => (maps.delete(key), Promise.reject(error))),
      );
    return maps.get(key);
  }

  async function fetchMap(source) {
    if (source.get("method") === "umap")
      await ready(
        "maps",
        Object.fromEntries(source),
        (share, words) => (status.textContent = TEXT.mapping(share, words)),
        stop.signal,
      );
    else status.textContent = WORDS.loading;
    const positions = await get(`maps/positions?${source}`, stop.signal);
    count();
    return positions;
  }

  function paint() {
    const { tints, ramps } = tintsOf(store, state);
    wall.paint(tints, ramps);
    replace(legend, legendOf(store, state));
  }

  async function draw() {
    images = visible(store, state);
    count();
    paint();
    await place().catch(complain);
  }

  const complain = (error) => error.name === "AbortError" || toast(error.message);

  async function ask(key) {
    state.model = key;
    state.answers = null;
    if (key) {
      await ready(
        "answers",
        { dataset: state.dataset, model: key },
        (share, words) => (status.textContent = TEXT.asking(share, words)),
        stop.signal,
      );
      const answers = await answersOf(store, key);
      if (state.model !== key) return;
      state.answers = answers;
    }
    if (!key)
      Object.assign(state, {
        group: ["predicted", "right"].includes(state.group) ? "label" : state.group,
        order: "index",
        verdict: "all",
        colour: ["none", "label"].includes(state.colour) ? state.colour : "none",
      });
    fill();
    draw();
    if (state.open !== null && !panel.hidden) openImage(state.open);
  }

  function change(key, value) {
    state[key] = value;
    if (key === "dataset") return openDataset().then(fill, complain);
    if (key === "model") return ask(value).catch((error) => (complain(error), (state.model = ""), fill(), count()));
    if (key === "arrange") {
      if (value === "map" && state.colour === "none") state.colour = "label";
      fill();
    }
    if (key === "colour") return paint();
    draw();
  }

  function fill() {
    const jump = (text) => {
      const index = Number(text);
      if (text.trim() !== "" && Number.isInteger(index) && index >= 0 && index < store.count) openImage(index, true);
      else toast(`${TEXT.search}: 0 – ${(store.count - 1).toLocaleString("en")}`);
    };
    replace(bar, controls({ about, models, store, state, status, change, jump }));
  }

  const recolour = () => store && paint();
  addEventListener("themechange", recolour);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  const keys = (event) => event.key === "Escape" && !panel.hidden && closePanel();
  addEventListener("keydown", keys);
  const opening = openDataset().then(() => {
    fill();
    if (rest[0]) openImage(Number(rest[0]), true);
    const model = query.get("model");
    if (model && models.some((each) => each.key === model)) return change("model", model);
  });
  opening.catch((error) => replace(stage, h("p", { class: "lone notice bad", role: "alert" }, error.message)));
  replace(bar, h("div", { class: "wall-first" }, status));
  return () => {
    stop.abort();
    wall?.close();
    removeEventListener("themechange", recolour);
    removeEventListener("keydown", keys);
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", recolour);
  };
}
