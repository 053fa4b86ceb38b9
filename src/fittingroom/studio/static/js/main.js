// The frame and the router: one view at a time, by the address after the hash.

import { get } from "./api.js";
import { h, replace } from "./dom.js";
import { icon } from "./icons.js";
import { themeButton } from "./theme.js";
import { WORDS } from "./words.js";

const VIEWS = {
  data: () => import("./views/data.js"),
  train: () => import("./views/train.js"),
  look: () => import("./views/look.js"),
  try: () => import("./views/try.js"),
  runs: () => import("./views/runs.js"),
};
const main = document.getElementById("main");
let leave = () => {};
let mountToken = 0;

function frame(about) {
  const items = Object.entries(WORDS.parts).map(([key, words]) =>
    h("li", {}, h("a", { href: `#/${key}`, "data-part": key }, icon(key), h("span", {}, words))),
  );
  const mark = h(
    "a",
    { class: "wordmark", href: "#/data", "aria-label": WORDS.title },
    h("img", { src: "/static/icon.svg", alt: "" }),
    h("span", {}, "fittingroom"),
  );
  const foot = h(
    "div",
    { class: "foot" },
    h("span", { id: "live" }),
    themeButton(),
    h("span", { class: "version" }, `version ${about.version}`),
  );
  replace(document.getElementById("bar"), mark, h("nav", { "aria-label": "Parts" }, h("ul", {}, items)), foot);
}

function address() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [part, ...rest] = path.split("/").map(decodeURIComponent);
  return { part: part in VIEWS ? part : "data", rest, query: new URLSearchParams(query) };
}

async function show(about, first) {
  const { part, rest, query } = address();
  const mine = ++mountToken;
  for (const link of document.querySelectorAll("#bar nav a")) {
    if (link.dataset.part === part) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${WORDS.parts[part]} · ${WORDS.title}`;
  try {
    const view = await VIEWS[part]();
    if (mine !== mountToken) return;
    leave();
    leave = () => {};
    main.className = `on-${part}`;
    replace(main);
    scrollTo(0, 0);
    leave = (await view.mount(main, { about, rest, query })) ?? (() => {});
    if (!first) main.focus({ preventScroll: true });
  } catch (error) {
    replace(main, h("p", { class: "lone notice bad", role: "alert" }, error.message));
    if (!("status" in error)) throw error;
  }
}

// The address after the hash names a part, so the link past the navigation may not change it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

async function pollRunning() {
  const place = document.getElementById("live");
  try {
    const names = await get("trainings/running");
    replace(
      place,
      names.length
        ? h(
            "a",
            { class: "live", href: `#/train/${encodeURIComponent(names[0])}` },
            h("span", {}, WORDS.train.underWay(names.length)),
          )
        : null,
    );
  } catch {
    replace(place, h("span", { class: "wrong" }, WORDS.offline));
  }
}

try {
  const about = await get("about");
  frame(about);
  addEventListener("hashchange", () => show(about, false));
  addEventListener("trainingchange", pollRunning);
  setInterval(pollRunning, 5000);
  pollRunning();
  await show(about, true);
} catch (error) {
  replace(main, h("p", { class: "lone notice bad", role: "alert" }, error.message));
}
