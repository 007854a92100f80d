// Sliders with their name and their value.

import { h, labelled } from "./dom.js";

/** Return a slider with its name and value; `set` moves it. */
export function slider(name, min, max, step, value, format, onvalue) {
  const input = h("input", { type: "range", min, max, step: step || "any" });
  const shown = h("output", { className: "number" });
  const element = labelled(name, input, shown);
  element.classList.add("slider");
  element.set = (number) => {
    input.value = number;
    shown.textContent = format(number);
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.oninput = () => {
    const number = Number(input.value);
    shown.textContent = format(number);
    input.setAttribute("aria-valuetext", shown.textContent);
    onvalue(number);
  };
  element.set(value);
  return element;
}
