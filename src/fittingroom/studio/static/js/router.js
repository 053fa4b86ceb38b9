// One view at a time, by the address after the hash; each is mounted into an element of its own.
//
// What a view has asked for may come when the user is elsewhere already. Then its element is no longer part of the
// page, so that whatever it still draws is drawn where nobody sees it, and its signal has told it that nothing more is
// wanted.

import { h } from "./dom.js";
import { formatHash, parseHash } from "./address.js";

/**
 * @typedef {object} Context what a view is given beside its element
 * @property {any} about the studio: datasets, version, whether anything may be changed
 * @property {string[]} rest of the address after the part
 * @property {URLSearchParams} query of the address
 * @property {AbortSignal} signal aborted when the view is left
 * @property {(target: EventTarget, kind: string, act: (event: any) => void) => void} listen until the view is left
 * @property {(rest: string[], query: Record<string, any>, step?: boolean) => void} keep state in the address; as a step
 *   that the browser's back button undoes, or in place
 * @property {() => void} again mounts the view anew from the address
 */

/** @typedef {{ mount: (root: HTMLElement, context: Context) => unknown }} View */

export class Router {
  /**
   * @param {HTMLElement} main
   * @param {Record<string, () => Promise<View>>} views by part
   * @param {{ shown: (part: string) => void, failed: (error: any) => Node }} outside
   */
  constructor(main, views, outside) {
    this.main = main;
    this.views = views;
    this.outside = outside;
    this.leaving = new AbortController();
    /** @type {any} */
    this.about = null;
  }

  start(/** @type {any} */ about) {
    this.about = about;
    addEventListener("hashchange", () => this.show());
    return this.show(false);
  }

  async show(focus = true) {
    this.leaving.abort();
    const mine = (this.leaving = new AbortController());
    const { part, rest, query } = parseHash(location.hash, Object.keys(this.views));
    const root = h("section", { class: `part on-${part}` });
    this.main.replaceChildren(root);
    scrollTo(0, 0);
    this.outside.shown(part);
    if (focus) this.main.focus({ preventScroll: true });
    try {
      const view = await this.views[part]();
      await view.mount(root, this.context(part, rest, query, mine.signal));
    } catch (error) {
      if (mine.signal.aborted) return;
      root.replaceChildren(this.outside.failed(error));
      if (!(error instanceof Error && "status" in error)) throw error;
    }
  }

  /** @returns {Context} */
  context(/** @type {string} */ part, /** @type {string[]} */ rest, /** @type {URLSearchParams} */ query, signal) {
    const keep = (/** @type {string[]} */ now, /** @type {Record<string, any>} */ state, step = false) => {
      const hash = formatHash(part, now, state);
      if (signal.aborted || hash === location.hash) return;
      if (step) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    };
    const listen = (/** @type {EventTarget} */ target, /** @type {string} */ kind, act) =>
      target.addEventListener(kind, act, { signal });
    const again = () => {
      if (!signal.aborted) this.show();
    };
    return { about: this.about, rest, query, signal, listen, keep, again };
  }
}
