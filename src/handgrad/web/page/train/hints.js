// Hints: what the server's rules found, each with the measured number and a button for the remedy.

import { fill, h } from "../dom.js";
import { percent, short } from "../numbers.js";
import { t } from "../strings.js";
import { shown } from "./form.js";

const SHARES = new Set(["dead-relus"]);

/** Show hints in an element; `apply(hint)` is called if a remedy is chosen. */
export function showHints(element, hints, apply) {
  element.hints = hints;
  if (!hints.length) {
    fill(element, h("p", { className: "muted" }, t("train.hints.none")));
    return;
  }
  fill(element, h("ul", { className: "hints" }, ...hints.map((hint) => {
    const format = SHARES.has(hint.name) ? percent : short;
    const settings = Object.entries(hint.remedy).map(([k, v]) => `${k} = ${shown(v)}`).join(", ");
    return h("li", { dataset: { hint: hint.name, number: hint.number } },
      h("p", {}, t(`train.hint.${hint.name}`, { number: format(hint.number), limit: format(hint.limit) })),
      h("button", { type: "button", onclick: () => apply(hint) },
        t(hint.starts_again ? "train.remedy.again" : "train.remedy", { settings })));
  })));
}
