// One picture at a time: large, with what it is called, why it is suspect, and what is most like it.

import { get, name, post, send } from "../api.js";
import { h, replace } from "../dom.js";
import { grouped } from "../format.js";
import { icon } from "../icons.js";
import { WORDS } from "../words.js";
import { whyBox } from "./why-box.js";

const TEXT = WORDS.curate;

/** @typedef {import("./curate-state.js").Item} Item */
/** @typedef {import("./curate-source.js").Source} Source */

/** What was decided about a picture, in words. */
export function editWords(/** @type {Item} */ item, isLabels = false) {
  const [verb, ...rest] = item.edit.split(" ");
  const called = rest.join(" ");
  if (verb === "relabel") return (isLabels ? TEXT.edits.label : TEXT.edits.relabel)(called);
  return TEXT.edits[verb] ?? TEXT.undecided;
}

export const badge = (/** @type {Item} */ item, isLabels = false) =>
  h("span", { class: `badge edit-${item.edit.split(" ")[0] || "none"}` }, editWords(item, isLabels));

/**
 * @param {HTMLElement} root
 * @param {object} now
 * @param {Item[]} now.shown
 * @param {number} now.at
 * @param {Source} now.source
 * @param {string} now.dataset
 * @param {any[]} now.models
 * @param {(at: number) => void} now.go
 * @param {AbortSignal} now.signal
 */
export function showOne(root, now) {
  const { shown, at, source, signal } = now;
  const item = shown[at];
  const label = source.names[item.given];
  const large = source.picture(item.image, `${source.place(item.image)}, ${label}`);
  large.classList.add("large");
  const facts = h(
    "div",
    { class: "curate-facts" },
    h("p", { class: "panel-class" }, source.place(item.image), h("small", {}, item.file ?? "")),
    h("dl", {}, pairs(item, source)),
    h(
      "p",
      {},
      badge(item, source.isLabels),
      item.tags.map((tag) => h("span", { class: "badge" }, tag)),
    ),
    item.reason ? h("p", { class: "muted small" }, item.reason) : null,
    source.isTest(item.image) ? h("p", { class: "notice small" }, TEXT.testStays) : null,
  );
  const figure = h("div", { class: "curate-large" }, large);
  const alike = h("div", { class: "curate-alike" }, neighbours(item, source));
  replace(root, pager(now), h("div", { class: "curate-one" }, figure, facts), alike, explained(now, item, signal));
}

function pairs(/** @type {Item} */ item, /** @type {Source} */ source) {
  const name = source.names[item.given];
  const rows = [[source.isLabels ? TEXT.modelSays : TEXT.given, name]];
  if (item.suggested) rows.push([TEXT.suggested, item.suggested]);
  return rows.map(([term, words]) => h("div", {}, h("dt", {}, term), h("dd", {}, words)));
}

function pager({ shown, at, go }) {
  const button = (/** @type {string} */ words, /** @type {string} */ shape, /** @type {number} */ to) => {
    const act = { onclick: () => go(to), disabled: to < 0 || to >= shown.length, "aria-label": words, title: words };
    return h("button", { type: "button", class: "icon plain", ...act }, icon(shape));
  };
  const place = h("span", { class: "number small muted", role: "status" }, TEXT.of(at + 1, shown.length));
  return h(
    "div",
    { class: "row curate-pager" },
    button(TEXT.previous, "left", at - 1),
    place,
    button(TEXT.next, "right", at + 1),
  );
}

function neighbours(/** @type {Item} */ item, /** @type {Source} */ source) {
  /** @type {[number[] | undefined, string | undefined][]} */
  const sides = [
    [item.speaking_for, source.names[item.given]],
    [item.speaking_against, item.suggested],
  ];
  return sides
    .filter(([images]) => images?.length)
    .map(([images, called]) =>
      h(
        "div",
        {},
        h("h2", {}, TEXT.alike(called)),
        h(
          "ul",
          { class: "thumbs" },
          /** @type {number[]} */ (images).map((image) => thumb(image, source)),
        ),
      ),
    );
}

function thumb(/** @type {number} */ image, /** @type {Source} */ source) {
  const called = source.names[/** @type {number} */ (source.label(image))];
  const drawn = source.picture(image, `${source.place(image)}, ${called}`);
  return h("li", { class: "thumb" }, drawn, h("span", {}, `${grouped(image)} ${called}`));
}

// Why a model answers so; the studio has a dataset's pictures itself, those of a sheet to label are sent along.
function explained({ dataset, models, source }, /** @type {Item} */ item, /** @type {AbortSignal} */ signal) {
  const grey = source.grey(item.image);
  const isPhoto = source.isLabels && !grey;
  const fitting = models.filter((/** @type {any} */ each) => (each.kind === "photo") === isPhoto);
  if (!fitting.length) return null;
  const ask = (/** @type {string} */ model) => {
    if (isPhoto) return askAboutPhoto(source.picture(item.image, ""), model);
    if (!grey) return get(`answers/image/${item.image}/maps?dataset=${name(dataset)}&model=${name(model)}`, signal);
    const { height, width, pixels } = grey;
    return post("drawings", { model, height, width, pixels: btoa(String.fromCharCode(...pixels)), why: true });
  };
  return whyBox({ ask, models: fitting, signal });
}

async function askAboutPhoto(/** @type {HTMLCanvasElement} */ drawn, /** @type {string} */ model) {
  const file = await new Promise((done) => drawn.toBlob(done, "image/png"));
  return send(`photos?${new URLSearchParams({ model, why: "true" })}`, file, "image/png");
}
