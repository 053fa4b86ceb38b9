// Light, dark, or as the system has it; remembered in this browser.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { WORDS } from "./words.js";

const ORDER = ["auto", "light", "dark"];
const DARK_FOR = { auto: "(prefers-color-scheme: dark)", light: "not all", dark: "all" }; // media of the dark sheet
const KEY = "fittingroom-theme";

export function themeButton() {
  const name = h("span");
  const button = h(
    "button",
    { type: "button", class: "plain small theme", onclick: () => apply(ORDER[(ORDER.indexOf(now()) + 1) % 3]) },
    icon("sun"),
    name,
  );
  const apply = (theme) => {
    localStorage.setItem(KEY, theme);
    const sheet = /** @type {HTMLLinkElement} */ (document.getElementById("dark"));
    sheet.media = DARK_FOR[/** @type {keyof typeof DARK_FOR} */ (theme)];
    name.textContent = `${WORDS.theme.button}: ${WORDS.theme[theme]}`;
    dispatchEvent(new Event("themechange"));
  };
  apply(now());
  document.getElementById("dark")?.addEventListener("load", () => dispatchEvent(new Event("themechange")));
  return button;
}

function now() {
  const kept = localStorage.getItem(KEY) ?? "";
  return ORDER.includes(kept) ? kept : "auto";
}

// A colour of the tokens as [red, green, blue].
export function colour(token) {
  const text = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}
