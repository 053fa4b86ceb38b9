// What curating asks: which class, and which tag. Both are closed with Escape and driven by the keyboard alone.

import { h, unique } from "../dom.js";
import { WORDS } from "../words.js";
import { classOf } from "./curate-state.js";

const TEXT = WORDS.curate;

/**
 * @param {string[]} names of the classes
 * @param {string | undefined} suggested that the keyboard stands at first
 * @returns {Promise<string | null>} the one that was chosen; null where none was
 */
export function chooseClass(names, suggested) {
  return new Promise((resolve) => {
    const buttons = names.map((name, label) => {
      const digit = label < 10 ? h("kbd", {}, String(label)) : null;
      return h("button", { type: "button", class: "plain", onclick: () => done(name) }, digit, name);
    });
    const { box, done } = dialog(TEXT.chooseClass, TEXT.chooseClassHelp, resolve);
    box.addEventListener("keydown", (event) => {
      const label = classOf(event.key, names.length);
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (label !== null) done(names[label]);
      if (step) buttons[(at() + step + names.length) % names.length].focus();
      if (label !== null || step) event.preventDefault();
    });
    const at = () => buttons.findIndex((button) => button === document.activeElement);
    box.insertBefore(h("div", { class: "class-list" }, buttons), box.lastElementChild);
    box.showModal();
    buttons[Math.max(0, names.indexOf(suggested ?? ""))].focus();
  });
}

/**
 * @param {string[]} tags that there are
 * @returns {Promise<string | null>}
 */
export function chooseTag(tags) {
  return new Promise((resolve) => {
    const { box, done } = dialog(TEXT.chooseTag, TEXT.chooseTagHelp, resolve);
    const known = h("datalist", { id: unique("tags") });
    known.append(...tags.map((tag) => h("option", { value: tag })));
    const input = h("input", { list: known.id, maxlength: "40", "aria-label": TEXT.chooseTag });
    const form = h("form", { class: "row" }, input, known, h("button", { class: "primary" }, TEXT.tagDo));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (input.value.trim()) done(input.value.trim());
    });
    box.insertBefore(form, box.lastElementChild);
    box.showModal();
    input.focus();
  });
}

function dialog(/** @type {string} */ title, /** @type {string} */ help, /** @type {(value: any) => void} */ resolve) {
  const heading = h("h2", { id: unique("dialog") }, title);
  const had = /** @type {HTMLElement | null} */ (document.activeElement);
  const done = (/** @type {string | null} */ value) => {
    resolve(value);
    box.close();
  };
  const cancel = h("button", { type: "button", onclick: () => done(null) }, WORDS.cancel);
  const words = h("p", { class: "muted small" }, help);
  const row = h("div", { class: "row end" }, cancel);
  const box = h("dialog", { class: "curate-dialog", "aria-labelledby": heading.id }, heading, words, row);
  box.addEventListener("close", () => {
    resolve(null); // nothing where it was decided already
    box.remove();
    if (had?.isConnected) had.focus({ preventScroll: true });
  });
  document.body.append(box);
  return { box, done };
}
