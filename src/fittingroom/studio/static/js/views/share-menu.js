// What can be taken along of a model: a web page, files for other programs, its answers as a table.

import { post } from "../api.js";
import { complain, h } from "../dom.js";
import { WORDS } from "../words.js";

const TEXT = WORDS.share;

/**
 * @param {() => string} key of the model that is meant when a button is pressed
 * @param {string} title of the model, for those who do not see the page; "" where it stands beside
 * @param {string[]} [kinds]
 */
export function shareMenu(key, title, kinds = Object.keys(TEXT.kinds)) {
  const status = h("p", { class: "small muted", role: "status" });
  const button = (/** @type {string} */ kind) => {
    const made = h("button", { type: "button", class: "plain" }, TEXT.kinds[kind]);
    made.addEventListener("click", () => fetchFile(made, status, key(), kind));
    return made;
  };
  const hidden = title ? h("span", { class: "hush" }, ` ${title}`) : null;
  return h("details", { class: "share" }, h("summary", {}, TEXT.title, hidden), kinds.map(button), status);
}

async function fetchFile(/** @type {HTMLButtonElement} */ button, /** @type {HTMLElement} */ status, model, kind) {
  button.disabled = true;
  status.textContent = TEXT.wait;
  try {
    const { file } = await post("share", { model, kind });
    const link = h("a", { href: file, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
    status.textContent = TEXT.done;
  } catch (error) {
    status.textContent = "";
    complain(error);
  }
  button.disabled = false;
  button.focus();
}
