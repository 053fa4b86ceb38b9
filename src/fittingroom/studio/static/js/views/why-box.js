// Why? What a model's answer to the picture that is open hangs on, for any class, and why not another one.

import { firstTwo, largest, readMaps, tint, why } from "../attribution.js";
import { complain, field, h, replace, select } from "../dom.js";
import { fromBase64 } from "../picture.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.why;

/**
 * @param {object} of
 * @param {(model: string) => Promise<any>} of.ask returns what the server tells of it
 * @param {{ key: string, title: string }[]} [of.models] to choose from; none where the view has chosen one
 * @param {string} [of.model] that is asked
 * @param {boolean} [of.open] whether it is open, and asks, at once
 * @param {AbortSignal} of.signal
 */
export function whyBox({ ask, models = [], model = "", open = false, signal }) {
  const body = h("div", { class: "why-body" });
  const asked = { model: model || models[0]?.key || "" };
  const status = h("p", { class: "small muted", role: "status" });
  const button = h("button", { type: "button", class: "why-ask" }, TEXT.ask);
  const run = async () => {
    button.disabled = true;
    status.textContent = TEXT.waiting;
    try {
      const told = await ask(asked.model);
      if (!signal.aborted) replace(body, drawn(told));
    } catch (error) {
      if (!signal.aborted) complain(error);
    }
    status.textContent = "";
    button.disabled = false;
  };
  button.addEventListener("click", run);
  const options = models.map((each) => [each.key, each.title]);
  const choose = select(/** @type {any} */ (options), asked.model, (value) => (asked.model = value));
  const top = h("div", { class: "row why-top" }, models.length ? field(TEXT.model, choose) : null, button, status);
  if (open) run();
  return h(
    "details",
    { class: "why", open },
    h("summary", {}, TEXT.open),
    h("p", { class: "small muted" }, TEXT.help),
    top,
    body,
  );
}

// The picture under the map, and what chooses the two classes.
function drawn(/** @type {any} */ told) {
  const maps = readMaps(told);
  const [first, second] = firstTwo(maps.chances);
  const shown = { of: /** @type {number} */ (first), against: /** @type {number | null} */ (null) };
  const over = h("canvas", { class: "why-map", role: "img" });
  over.width = maps.width;
  over.height = maps.height;
  const note = h("p", { class: "small muted" });
  const paint = () => {
    const map = why(maps, shown.of, shown.against);
    const most = largest(map);
    const pixels = new ImageData(maps.width, maps.height);
    map.forEach((value, at) => pixels.data.set(tint(value, most), 4 * at));
    over.getContext("2d")?.putImageData(pixels, 0, 0);
    const against = shown.against === null ? "" : maps.names[shown.against];
    over.setAttribute("aria-label", TEXT.alt(maps.names[shown.of], against));
    note.textContent = most > 0 ? "" : TEXT.nothing;
  };
  const names = maps.names.map((name, at) => /** @type {[string, string]} */ ([String(at), name]));
  const of = select(names, String(first), (value) => ((shown.of = Number(value)), paint()));
  const others = /** @type {[string, string][]} */ ([["", TEXT.nobody], ...names]);
  const against = select(others, "", (value) => ((shown.against = value === "" ? null : Number(value)), paint()));
  paint();
  const said = h("p", { class: "small" }, TEXT.answer(maps.names[first], maps.chances[first]));
  if (second !== null) said.append(", ", TEXT.answer(maps.names[second], maps.chances[second]));
  return [
    h("div", { class: "why-picture" }, under(told), over),
    said,
    h("div", { class: "row why-classes" }, field(TEXT.of, of), field(TEXT.against, against)),
    note,
  ];
}

function under(/** @type {any} */ told) {
  if (told.picture) return h("img", { src: told.picture, alt: "" });
  const [height, width] = told.image_shape;
  const canvas = h("canvas", { class: "why-under", "aria-hidden": "true" });
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  fromBase64(told.image).forEach((grey, at) => image.data.set([255 - grey, 255 - grey, 255 - grey, 255], 4 * at));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
