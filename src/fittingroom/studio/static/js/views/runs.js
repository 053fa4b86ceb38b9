import { h, replace } from "../dom.js";
import { WORDS } from "../words.js";

export function mount(root) {
  replace(root, h("section", { class: "view" }, h("header", {}, h("h1", {}, WORDS.parts.runs))));
}
