// The frame: navigation, theme, what is under way; and the router that shows one part in it.

import { formatHash } from "./address.js";
import { get } from "./api.js";
import { h, notice, replace } from "./dom.js";
import { icon } from "./icons.js";
import { JobList } from "./jobs.js";
import { Router } from "./router.js";
import { themeButton } from "./theme.js";
import { WORDS } from "./words.js";

const VIEWS = {
  data: () => import("./views/data.js"),
  curate: () => import("./views/curate.js"),
  train: () => import("./views/train.js"),
  sweep: () => import("./views/sweep.js"),
  look: () => import("./views/look.js"),
  try: () => import("./views/try.js"),
  runs: () => import("./views/runs.js"),
};
const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const bar = /** @type {HTMLElement} */ (document.getElementById("bar"));

function frame(/** @type {any} */ about) {
  const items = Object.entries(WORDS.parts).map(([key, words]) =>
    h("li", {}, h("a", { href: formatHash(key), "data-part": key }, icon(key), h("span", {}, words))),
  );
  const picture = h("img", { src: "static/icon.svg", alt: "" });
  const home = { class: "wordmark", href: formatHash("data"), "aria-label": WORDS.title };
  const looks = about.may_change ? null : h("span", { class: "badge", title: WORDS.onlyLooksHelp }, WORDS.onlyLooks);
  const version = h("span", { class: "version" }, `version ${about.version}`);
  replace(
    bar,
    h("a", home, picture, h("span", {}, "fittingroom")),
    h("nav", { "aria-label": "Parts" }, h("ul", {}, items)),
    h("div", { class: "foot" }, new JobList(about.may_change).root, looks, themeButton(), version),
  );
}

function mark(/** @type {string} */ part) {
  for (const link of bar.querySelectorAll("nav a")) {
    if (/** @type {HTMLElement} */ (link).dataset.part === part) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${WORDS.parts[part]} · ${WORDS.title}`;
  main.className = `on-${part}`;
}

// The address after the hash names a part, so the link past the navigation may not change it.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

// A file that is dropped beside the place for it would take the page's place; the part that takes files is told of it.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => {
    const { dataTransfer } = /** @type {DragEvent} */ (event);
    event.preventDefault();
    const file = kind === "drop" ? dataTransfer?.files[0] : null;
    if (file) dispatchEvent(new CustomEvent("filedrop", { detail: file }));
  });
}

try {
  const about = await get("about");
  frame(about);
  await new Router(main, VIEWS, { shown: mark, failed: notice }).start(about);
} catch (error) {
  replace(main, notice(error));
}
