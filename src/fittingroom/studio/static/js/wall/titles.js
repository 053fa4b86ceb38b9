// The names of the blocks on the wall; each stays in sight as long as its block is.

import { h, replace } from "../dom.js";
import { grouped } from "../format.js";

const LEAST = 60; // pixels of a name

export class Titles {
  constructor() {
    this.root = h("div", { class: "wall-titles", "aria-hidden": "true" });
    /** @type {import("./arrange.js").Title[]} */
    this.titles = [];
  }

  show(/** @type {import("./arrange.js").Title[]} */ titles) {
    this.titles = titles;
    replace(
      this.root,
      titles.map((title) => h("span", {}, title.name, h("small", {}, grouped(title.count)))),
    );
  }

  place(/** @type {import("./camera.js").Camera} */ camera, /** @type {number} */ width, /** @type {number} */ height) {
    this.titles.forEach((title, at) => {
      const element = /** @type {HTMLElement} */ (this.root.children[at]);
      const left = (title.x - camera.x) * camera.scale + width / 2;
      const top = (title.y - camera.y) * camera.scale + height / 2;
      const wide = title.across * camera.scale;
      element.hidden = left > width || left + wide < 0 || top > height + 20 || top < -height * 40;
      const shown = Math.round(Math.max(left, Math.min(8, left + wide - LEAST)));
      element.style.transform = `translate(${shown}px, ${Math.round(top - 24)}px)`;
      element.style.maxWidth = `${Math.max(LEAST, Math.round(wide))}px`;
    });
  }
}
