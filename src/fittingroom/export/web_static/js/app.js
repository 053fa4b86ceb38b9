// The page: a way to hand over a picture, and beside it what the network says.

import { DrawingPad } from "../shared/views/drawing-pad.js";
import { h, replace, segments } from "../shared/dom.js";
import { bars, picture } from "../shared/picture.js";
import { answerData, answerPicture } from "./answering.js";
import { liveCamera } from "./live-camera.js";
import { readModels } from "./networks.js";
import { openPicture } from "./pictures.js";
import { TEXT } from "./text.js";
import { themeButton } from "./theme.js";

class Page {
  constructor(/** @type {import("./answering.js").Models} */ models) {
    this.models = models;
    this.asked = 0; // only the answer to the last question is shown
    this.close = () => {};
    this.input = h("div", { class: "try-input" });
    this.result = h("div", { class: "try-result", "aria-live": "polite" });
    const open = Object.entries(TEXT.ways).filter(([way]) => (way === "draw" ? models.data : models.photo));
    const ways = /** @type {[string, string][]} */ (open.length ? open : [["photo", TEXT.ways.photo]]);
    this.ways = segments(TEXT.way, ways, ways[0][0], (way) => this.use(way));
    const left = h("div", { class: "try-left" }, h("div", { class: "row" }, this.ways.root), this.input);
    this.root = h("div", { class: "try-page" }, left, h("div", { class: "try-right" }, this.result));
    this.use(ways[0][0]);
    addEventListener("paste", (event) => this.takeFiles(event.clipboardData?.files));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => (event.preventDefault(), this.takeFiles(event.dataTransfer?.files)));
  }

  use(/** @type {string} */ way) {
    this.close();
    this.close = () => {};
    this.clear();
    if (way === "camera") {
      const camera = liveCamera((frame) => this.take(() => answerPicture(this.models, frame)));
      this.close = camera.close;
      replace(this.input, camera.root);
    } else if (way === "draw" && this.models.data) {
      const side = this.models.data.size[0];
      const take = (/** @type {Uint8Array} */ grey) => this.take(() => answerData(this.models, grey));
      replace(this.input, new DrawingPad(side, take, () => this.clear()).root);
    } else
      replace(
        this.input,
        dropZone((files) => this.takeFiles(files)),
      );
  }

  clear() {
    this.asked += 1;
    replace(this.result, h("p", { class: "empty" }, TEXT.empty));
  }

  takeFiles(/** @type {FileList | undefined | null} */ files) {
    if (!files?.length) return;
    if (this.models.photo) this.ways.press("photo");
    if (!this.input.querySelector(".drop")) this.use("photo");
    this.take(async () => answerPicture(this.models, await openPicture(files[0])));
  }

  async take(/** @type {() => Promise<import("./answering.js").Told>} */ question) {
    const mine = ++this.asked;
    if (!this.result.querySelector(".try-answer")) replace(this.result, h("p", { class: "empty" }, TEXT.loading));
    try {
      const told = await question();
      if (mine === this.asked) replace(this.result, answerOf(told));
    } catch (/** @type {any} */ error) {
      if (mine === this.asked) replace(this.result, h("p", { class: "notice bad", role: "alert" }, error.message));
    }
  }
}

function dropZone(/** @type {(files: FileList | null) => void} */ take) {
  const choose = (/** @type {string} */ id, /** @type {string} */ words, /** @type {object} */ more) => {
    const input = h("input", { type: "file", accept: "image/*", class: "hush", id, ...more });
    input.addEventListener("change", () => (take(input.files), (input.value = "")));
    return [h("label", { class: "button", for: id }, words), input];
  };
  const buttons = [choose("file", TEXT.choose, {}), choose("shoot", TEXT.shoot, { capture: "environment" })];
  const zone = h("div", { class: "drop" }, h("p", {}, TEXT.drop), h("div", { class: "row" }, buttons));
  zone.addEventListener("dragover", () => zone.classList.add("over"));
  for (const end of ["dragleave", "drop"]) zone.addEventListener(end, () => zone.classList.remove("over"));
  return zone;
}

function answerOf(/** @type {import("./answering.js").Told} */ told) {
  const name = told.classes[told.best];
  const title = told.second === null ? name : TEXT.orElse(name, told.classes[told.second]);
  const heading = told.isNone ? h("h2", { class: "muted" }, TEXT.noneOfThese) : h("h2", {}, title);
  const score = told.score === null ? null : h("p", { class: "muted small number" }, TEXT.noneScore(told.score));
  const warning = told.warning ? h("p", { class: "notice" }, told.warning) : null;
  return h(
    "div",
    { class: "try-answer" },
    h("figure", {}, seenBy(told), h("figcaption", {}, TEXT.seen)),
    h("div", {}, heading, score, bars(told.classes, told.probabilities), warning),
  );
}

function seenBy(/** @type {import("./answering.js").Told} */ { seen, isPhoto }) {
  const [height, width] = seen.size;
  if (!isPhoto) return picture(seen.pixels, height, width, TEXT.seen, "seen");
  const canvas = h("canvas", { class: "seen photo", role: "img", "aria-label": TEXT.seen });
  [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    image.data.set(seen.pixels.subarray(3 * at, 3 * at + 3), 4 * at);
    image.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

async function main() {
  const root = /** @type {HTMLElement} */ (document.getElementById("main"));
  const models = await readModels();
  document.title = models.title;
  const offline = h("p", { class: "muted small", role: "status" });
  const notes = models.leftOut.map((words) => h("p", { class: "muted small" }, words));
  const header = h("header", {}, h("div", { class: "row" }, h("h1", {}, models.title), themeButton()));
  header.append(h("p", { class: "lede" }, TEXT.lede));
  replace(root, header, new Page(models).root, h("footer", {}, notes, offline));
  if ("serviceWorker" in navigator) {
    await navigator.serviceWorker.register("sw.js");
    await navigator.serviceWorker.ready;
    offline.textContent = TEXT.offline;
  }
}

main().catch((error) => {
  const root = /** @type {HTMLElement} */ (document.getElementById("main"));
  replace(root, h("p", { class: "notice bad", role: "alert" }, error.message));
});
