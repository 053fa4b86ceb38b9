// Long work on the server: wait for it and tell how far it is; and the list of what is under way, to be stopped there.

import { get, name, post } from "./api.js";
import { complain, h, replace } from "./dom.js";
import { WORDS } from "./words.js";
import { formatHash } from "./address.js";

const PAUSE = 400; // milliseconds between two questions how far the work is
const GLANCE = 5000; // milliseconds between two looks at what is under way
const CLOSE_GLANCE = 1500; // likewise, while something is
/** @type {Record<string, [string, string]>} the part that shows a kind of job, and where it is stopped */
const PLACES = { training: ["train", "trainings"], sweep: ["sweep", "sweeps"] };

/**
 * Start the work where it is absent; resolve when it is ready.
 * @param {string} path
 * @param {Record<string, string>} query that names what comes of it
 * @param {{ body?: object, tell: (share: number, words: string) => void, signal: AbortSignal }} more
 */
export async function ready(path, query, { body = {}, tell, signal }) {
  const asked = new URLSearchParams(query);
  let state = await get(`${path}?${asked}`, signal);
  if (state.state === "absent" || state.state === "failed") state = await post(path, { ...query, ...body });
  dispatchEvent(new Event("jobschange"));
  while (state.state !== "ready") {
    if (state.state === "failed") throw new Error(state.error);
    tell(state.share, state.words);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    signal.throwIfAborted();
    state = await get(`${path}?${asked}`, signal);
  }
  dispatchEvent(new Event("jobschange"));
}

/** A button that says how much is under way, and opens the list; looked at anew while the page is seen. */
export class JobList {
  constructor(/** @type {boolean} */ mayChange) {
    this.mayChange = mayChange;
    this.root = h("div", { id: "live", class: "live-place" });
    const words = { role: "region", "aria-label": WORDS.jobs.title, tabindex: "-1" };
    this.panel = h("div", { class: "job-panel", ...words, hidden: true });
    this.button = h("button", { type: "button", class: "plain live", "aria-expanded": "false" });
    this.button.addEventListener("click", () => this.open(this.panel.hidden));
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.open(false));
    addEventListener("jobschange", () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
    /** @type {number | undefined} */
    this.timer = undefined;
    this.look();
  }

  open(/** @type {boolean} */ shown) {
    this.panel.hidden = !shown;
    this.button.setAttribute("aria-expanded", String(shown));
    if (!shown) this.button.focus();
  }

  async look() {
    clearTimeout(this.timer);
    if (document.visibilityState === "hidden") return;
    try {
      const jobs = await get("jobs");
      this.show(jobs);
      this.later(jobs.length ? CLOSE_GLANCE : GLANCE);
    } catch {
      this.root.replaceChildren(h("span", { class: "wrong" }, WORDS.offline));
      this.later(GLANCE);
    }
  }

  later(/** @type {number} */ milliseconds) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.look(), milliseconds);
  }

  show(/** @type {any[]} */ jobs) {
    const entries = jobs.map((job) => entry(job, this.mayChange, () => this.look()));
    replace(this.panel, h("h2", {}, WORDS.jobs.title), h("ul", {}, entries));
    this.button.replaceChildren(h("span", {}, WORDS.jobs.underWay(jobs.length)));
    if (!jobs.length) {
      this.panel.hidden = true;
      replace(this.root);
    } else if (!this.root.contains(this.button)) this.root.replaceChildren(this.button, this.panel);
  }
}

function entry(/** @type {any} */ job, /** @type {boolean} */ mayChange, /** @type {() => void} */ look) {
  const [part, place] = PLACES[job.kind] ?? ["", "jobs"];
  const title = part ? h("a", { href: formatHash(part, [job.key]) }, job.title) : h("span", {}, job.title);
  const path = `${place}/${name(job.key)}/stop`;
  const stop = h("button", { type: "button", class: "danger small" }, WORDS.jobs.stop);
  stop.append(h("span", { class: "hush" }, ` ${job.title}`));
  stop.addEventListener("click", async () => {
    stop.disabled = true;
    await post(path).catch(complain);
    dispatchEvent(new Event("jobstop"));
    look();
  });
  const far = job.share === null ? null : h("small", { class: "muted number" }, WORDS.jobs.far(job.share));
  return h("li", {}, h("div", {}, title, far), mayChange ? stop : null);
}
