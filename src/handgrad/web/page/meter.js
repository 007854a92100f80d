// A bar with the probability of a class.

import { h } from "./dom.js";
import { percent } from "./numbers.js";
import { t } from "./strings.js";

const MARK = 3; // CSS pixels, the width of the mark of an earlier probability

/** Return a bar with the name of a class and its probability.
 *
 * If `before` is a number, a mark shows this earlier probability.
 */
export function meter(name, probability, before = null) {
  const length = (share) => `${100 * share}%`;
  return h("div", { className: "meter", dataset: { name, probability } },
    h("span", {}, String(name)),
    h("div", { className: "track", "aria-hidden": "true" },
      h("div", { className: "fill", style: { width: length(probability) } }),
      before === null ? null : h("div", {
        className: "before", style: { left: `min(${length(before)}, calc(100% - ${MARK}px))` },
      })),
    h("span", { className: "number" }, percent(probability),
      before === null ? null : h("span", { className: "small muted was" }, t("inside.was", { before: percent(before) }))));
}
