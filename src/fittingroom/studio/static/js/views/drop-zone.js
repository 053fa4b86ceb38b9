// The place for a photo: dropped on it, or chosen. What is dropped beside it is taken too, by the part that is open.

import { h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.try;

export function dropZone(/** @type {(file: File) => void} */ take) {
  const accept = "image/*,.heic,.heif";
  const file = h("input", { type: "file", accept, class: "hush", id: "try-file" });
  file.addEventListener("change", () => file.files?.[0] && take(file.files[0]));
  const label = h("label", { class: "button", for: "try-file" }, TEXT.choose);
  const zone = h("div", { class: "drop" }, h("p", {}, TEXT.drop), label, file);
  zone.addEventListener("dragover", () => zone.classList.add("over"));
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", () => zone.classList.remove("over"));
  return zone;
}
