// Computations that the server does in the background: the page asks until they are over.

import { h } from "./dom.js";
import { t } from "./strings.js";

const PAUSE = 250; // milliseconds between two requests

/** Ask until a computation is over, and return its last state; null if the view was left.
 *
 * @param {function} ask returns a promise of {is_over, error, done, total, ...}.
 * @param {function} show is called with each state before the last one.
 * @param {function} isAlive returns whether the view is still shown.
 */
export async function untilOver(ask, show, isAlive) {
  for (;;) {
    const state = await ask();
    if (!isAlive()) return null;
    if (state.error) throw new Error(state.error);
    if (state.is_over) return state;
    show(state);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (!isAlive()) return null;
  }
}

/** Return a progress bar with a sentence; its method `show({done, total})` moves it. */
export function progressBar(sentence) {
  const bar = h("progress", { "aria-label": sentence });
  const count = h("span", { className: "small muted" });
  const element = h("p", { className: "row" }, h("span", {}, sentence), bar, count);
  element.show = ({ done, total }) => {
    if (!total) return;
    Object.assign(bar, { max: total, value: done });
    count.textContent = t("poll.count", { done, total });
  };
  return element;
}
