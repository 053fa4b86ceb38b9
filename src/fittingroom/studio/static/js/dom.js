// Elements from plain calls; text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

function fill(element, properties, children) {
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

export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter(Boolean));
}

let serial = 0;

export const unique = (name) => `${name}-${++serial}`;

// A label above its control.
export function field(words, control, help) {
  control.id ||= unique("field");
  const note = help ? h("span", { class: "help", id: `${control.id}-help` }, help) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, words), control, note);
}

export function select(options, value, onchange) {
  const entries = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const control = h("select", { onchange: () => onchange(control.value) });
  for (const [key, words] of entries) control.append(h("option", { value: key }, words));
  control.value = value;
  return control;
}

// Buttons of which one is pressed.
export function segments(name, options, value, onchange) {
  const group = h("div", { class: "segments", role: "group", "aria-label": name });
  const press = (key) => {
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.key === key));
  };
  for (const [key, words] of options) {
    const button = h("button", { type: "button", onclick: () => (press(key), onchange(key)) }, words);
    button.dataset.key = key;
    group.append(button);
  }
  press(value);
  group.press = press;
  return group;
}

export function toast(words, milliseconds = 8000) {
  const box = h("div", { class: "toast" }, h("span", {}, words));
  box.append(h("button", { type: "button", "aria-label": "Close", onclick: () => box.remove() }, "×"));
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), milliseconds);
}

export function ask({ title, body, yes, no, danger = true }) {
  return new Promise((resolve) => {
    const heading = h("h2", { id: unique("dialog") }, title);
    const decide = (answer) => () => (box.close(), resolve(answer));
    const refuse = h("button", { type: "button", onclick: decide(false) }, no);
    const accept = h("button", { type: "button", class: danger ? "danger" : "primary", onclick: decide(true) }, yes);
    const box = h(
      "dialog",
      { "aria-labelledby": heading.id },
      heading,
      h("p", {}, body),
      h("div", { class: "row end" }, refuse, accept),
    );
    box.addEventListener("cancel", decide(false));
    box.addEventListener("close", () => box.remove());
    document.body.append(box);
    box.showModal();
    refuse.focus();
  });
}
