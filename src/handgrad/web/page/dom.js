// Elements of the page.

import { t } from "./strings.js";

/** Make an element. `properties` are set as properties (`onclick`, `value`, `className`), or as
 * attributes if their name has a dash or is `role`, `for` or `colspan`. Children that are null or
 * false are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name.includes("-") || ["role", "for", "colspan", "scope"].includes(name)) {
      element.setAttribute(name, value);
    } else if (name === "style") {
      Object.assign(element.style, value);
    } else if (name === "dataset") {
      Object.assign(element.dataset, value);
    } else {
      element[name] = value;
    }
  }
  append(element, children);
  return element;
}

/** Replace what is inside an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Show one sentence at the bottom of the page; screen readers read it aloud. */
export function announce(sentence) {
  document.getElementById("status").textContent = sentence;
}

/** Return a function that does an action, which may be asynchronous; a failure is announced. */
export function safely(action) {
  return async (...given) => {
    try {
      await action(...given);
    } catch (error) {
      announce(t("error", { reason: error.message }));
    }
  };
}

/** Return a control with its name: the label contains both. */
export function labelled(name, control, ...more) {
  return h("label", {}, h("span", {}, name), control, ...more);
}

/** Return a drop-down list of [value, text] pairs. */
export function select(pairs, value, onchange, properties = {}) {
  const element = h("select", properties);
  for (const [key, text] of pairs) element.append(h("option", { value: key }, text));
  element.value = value;
  element.onchange = () => onchange(element.value);
  return element;
}

/** Return a table; `columns` are texts, and one that starts with ">" is a column of numbers. */
export function table(columns, rows, caption = null) {
  const isNumber = columns.map((name) => name.startsWith(">"));
  const cell = (tag, text, i, more = {}) =>
    h(tag, { className: isNumber[i] ? "number" : "", ...more }, text);
  return h("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption ?? columns.join(", ").replaceAll(">", "") },
    h("table", {},
      caption === null ? null : h("caption", {}, caption),
      h("thead", {}, h("tr", {}, ...columns.map((name, i) =>
        cell("th", name.replace(">", ""), i, { scope: "col" })))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((value, i) =>
        cell("td", value, i)))))));
}

function append(element, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}
