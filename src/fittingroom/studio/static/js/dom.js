// Elements from plain calls; text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...any} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * @param {string} tag of SVG
 * @param {Record<string, any>} [properties]
 * @param {...any} children
 * @returns {any}
 */
export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** @returns {any} */
function fill(
  /** @type {any} */ element,
  /** @type {Record<string, any>} */ properties,
  /** @type {any[]} */ children,
) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/**
 * Put other children into an element. The focus stays: on what has taken the place of what had it, or else on what now
 * stands where that stood; so that the keyboard does not fall back to the beginning of the page.
 * @param {Element} parent
 * @param {...any} children
 */
export function replace(parent, ...children) {
  const had = parent.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  const before = had ? focusable(parent) : [];
  const names = before.map(nameOf);
  const at = had ? before.indexOf(had) : -1;
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (at < 0 || !had || parent.contains(had)) return;
  const now = focusable(parent);
  const same = now.filter((one) => nameOf(one) === names[at]);
  const order = names.slice(0, at).filter((name) => name === names[at]).length;
  const next = same[order] ?? same.at(-1) ?? now[Math.min(at, now.length - 1)] ?? document.getElementById("main");
  next?.focus({ preventScroll: true });
}

/** @returns {HTMLElement[]} */
function focusable(/** @type {Element} */ parent) {
  const found = parent.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']");
  return /** @type {HTMLElement[]} */ ([...found]).filter((one) => !(/** @type {any} */ (one).disabled));
}

function nameOf(/** @type {any} */ one) {
  return [one.tagName, one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent].join(" ");
}

let serial = 0;

export const unique = (/** @type {string} */ name) => `${name}-${++serial}`;

/** A label above its control. */
export function field(/** @type {string} */ words, /** @type {HTMLElement} */ control, /** @type {any} */ help = null) {
  control.id ||= unique("field");
  const note = help ? h("span", { class: "help", id: `${control.id}-help` }, help) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, words), control, note);
}

/**
 * @param {(string | [string, string])[]} options values, or values with what is read
 * @param {string} value that is chosen
 * @param {(value: string) => void} onchange
 */
export function select(options, value, onchange) {
  const control = h("select", { onchange: () => onchange(control.value) });
  for (const option of options) {
    const [key, words] = Array.isArray(option) ? option : [option, option];
    control.append(h("option", { value: key }, words));
  }
  control.value = value;
  return control;
}

/**
 * Buttons of which one is pressed.
 * @param {string} name
 * @param {[string, string][]} options
 * @param {string} value
 * @param {(value: string) => void} onchange
 */
export function segments(name, options, value, onchange) {
  const buttons = options.map(([key, words]) => {
    const button = h("button", { type: "button", onclick: () => (press(key), onchange(key)) }, words);
    button.dataset.key = key;
    return button;
  });
  const press = (/** @type {string} */ key) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.key === key));
  };
  press(value);
  return { root: h("div", { class: "segments", role: "group", "aria-label": name }, buttons), press };
}

export function toast(/** @type {string} */ words, milliseconds = 8000) {
  const box = h("div", { class: "toast" }, h("span", {}, words));
  box.append(h("button", { type: "button", "aria-label": "Close", onclick: () => box.remove() }, "×"));
  document.getElementById("toasts")?.append(box);
  setTimeout(() => box.remove(), milliseconds);
}

/** Tell of an error, unless it is that nobody waits for the answer any more. */
export function complain(/** @type {any} */ error) {
  if (error.name !== "AbortError") toast(error.message);
}

/** What has gone wrong, where something was to be shown; with what helps, if anything does. */
export function notice(/** @type {any} */ error, /** @type {any[]} */ ...help) {
  return h("div", { class: "lone notice bad", role: "alert" }, h("p", {}, commands(error.message)), help);
}

/** A sentence whose command, if it ends in one, can be read as such. */
export function commands(/** @type {string} */ sentence) {
  const [words, command] = sentence.split(/(?<=: )(?=fittingroom |pip )/);
  return command ? [words, h("code", {}, command)] : sentence;
}

/** Where there is nothing yet: what there could be, and the way to it. */
export function empty(/** @type {string} */ words, /** @type {string} */ link, /** @type {string} */ href) {
  const way = link ? h("a", { class: "button primary", href }, link) : null;
  return h("div", { class: "empty" }, h("p", {}, words), way);
}

/**
 * @param {{ title: string, body: string, yes: string, no: string, danger?: boolean }} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, body, yes, no, danger = true }) {
  return new Promise((resolve) => {
    const heading = h("h2", { id: unique("dialog") }, title);
    const decide = (/** @type {boolean} */ answer) => () => (box.close(), resolve(answer));
    const refuse = h("button", { type: "button", onclick: decide(false) }, no);
    const accept = h("button", { type: "button", class: danger ? "danger" : "primary", onclick: decide(true) }, yes);
    const buttons = h("div", { class: "row end" }, refuse, accept);
    const box = h("dialog", { "aria-labelledby": heading.id }, heading, h("p", {}, body), buttons);
    box.addEventListener("cancel", decide(false));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    refuse.focus();
  });
}
