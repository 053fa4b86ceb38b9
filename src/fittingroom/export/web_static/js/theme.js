// Light, dark, or as the system has it; remembered in this browser.

import { h } from "../shared/dom.js";
import { TEXT } from "./text.js";

const ORDER = ["auto", "light", "dark"];
const MEDIA = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" }; // of the dark sheet
const KEY = "fittingroom-page-theme";

export function themeButton() {
  const button = h("button", { type: "button", class: "plain small" });
  const apply = (/** @type {string} */ theme) => {
    localStorage.setItem(KEY, theme);
    const sheet = /** @type {HTMLLinkElement} */ (document.getElementById("dark"));
    sheet.media = MEDIA[/** @type {keyof typeof MEDIA} */ (theme)];
    button.textContent = `${TEXT.theme.button}: ${TEXT.theme[/** @type {keyof typeof MEDIA} */ (theme)]}`;
  };
  const now = () => (ORDER.includes(localStorage.getItem(KEY) ?? "") ? String(localStorage.getItem(KEY)) : "auto");
  button.addEventListener("click", () => apply(ORDER[(ORDER.indexOf(now()) + 1) % ORDER.length]));
  apply(now());
  return button;
}
