// The same network by hand and in PyTorch: the weights after each step, and the time per step.

import { get, post } from "../api.js";
import { fill, h, labelled, select, table } from "../dom.js";
import { short } from "../numbers.js";
import { progressBar, untilOver } from "../poll.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

const STEPS = ["5", "10", "20", "50"];

/** Return the panel; its method `start` shows the last result, if there is one. */
export function enginesPanel(settings, isAlive) {
  let steps = STEPS.includes(settings.steps) ? settings.steps : "10";
  let shown = { steps: [] };
  let parameter = settings.parameter ?? null;
  const note = h("p", { className: "small" });
  const progress = h("div", {});
  const outcome = h("div", { className: "engines-result" });
  const button = h("button", { type: "button", className: "primary" }, t("compare.train"));
  button.onclick = () => {
    panel.dataset.over = "false";
    fill(outcome);
    return run(() => post("/api/compare/engines", { steps: Number(steps) }));
  };
  const panel = h("section", { className: "panel engines" },
    h("h2", {}, t("compare.engines")),
    h("p", { className: "small muted" }, t("compare.engines-help")),
    h("div", { className: "row" },
      labelled(t("compare.steps"), select(STEPS.map((n) => [n, n]), steps, (value) => {
        steps = value;
        changeSettings({ steps });
      })), button),
    note, progress, outcome);

  panel.start = () => run(() => get("/api/compare/engines"));

  async function run(begin) {
    button.disabled = true;
    try {
      const first = await begin();
      if (!isAlive()) return;
      note.textContent = first.missing;
      if (!first.total) return;
      const bar = progressBar(t("compare.training-both"));
      fill(progress, bar);
      const last = await untilOver(() => get("/api/compare/engines"), (state) => {
        bar.show({ done: state.steps.length, total: state.total });
        show(state);
      }, isAlive);
      if (last !== null) show(last);
    } catch (error) {
      if (isAlive()) note.textContent = error.message;
    } finally {
      button.disabled = false;
      if (isAlive()) fill(progress);
    }
  }

  function show(state) {
    shown = state;
    panel.comparison = state;
    panel.dataset.over = String(state.is_over);
    if (state.steps.length === 0) return;
    if (!(parameter in state.parameters)) parameter = Object.keys(state.parameters)[0];
    fill(outcome, state.is_over ? h("p", { className: "verdict" }, verdict()) : null, times(), h("h3", {}, t("compare.largest")),
      h("p", { className: "small muted" }, t("compare.largest-help")), ...differences(),
      h("h3", {}, t("compare.weights")), chooser(), weights());
  }

  function verdict() {
    const { divergence, tolerance, steps: { length: count } } = shown;
    if (!divergence) return t("compare.equal", { count, tolerance });
    const engine = t(`compare.engine.${divergence.engine}`);
    const where = [divergence.layer, divergence.tensor].join(" ");
    return t("compare.diverged", { engine, where, tolerance, number: divergence.step + 1, value: short(divergence.value) });
  }

  function times() {
    const { engines, seconds, steps: done } = shown;
    const last = done.at(-1).seconds;
    const rows = engines.map((name) => [
      t(`compare.engine.${name}`), short(1000 * (seconds[name] ?? last[name])), short(1000 * last[name])]);
    return h("div", { className: "times" },
      h("h3", {}, t("compare.times")),
      table([t("compare.engine"), `>${t("compare.median")}`, `>${t("compare.last")}`], rows, t("compare.times-help")));
  }

  function differences() {
    const { engines, parameters, steps: done } = shown;
    const columns = [t("compare.parameter"), ...done.map((_, k) => `>${t("compare.step", { number: k + 1 })}`)];
    return engines.slice(1).map((engine, k) => {
      const largest = Math.max(...done.flatMap((step) => Object.values(step.largest[engine])));
      const rows = Object.entries(parameters).map(([name, title]) =>
        [title, ...done.map((step) => step.largest[engine][name].toExponential(1))]);
      const title = t("compare.against", { engine: t(`compare.engine.${engine}`), largest: largest.toExponential(1) });
      return h("details", { open: k === 0, dataset: { engine, largest } },
        h("summary", {}, title), table(columns, rows, t("compare.largest")));
    });
  }

  function chooser() {
    return labelled(t("compare.parameter"), select(Object.entries(shown.parameters), parameter, (value) => {
      parameter = value;
      changeSettings({ parameter });
      show(shown);
    }));
  }

  function weights() {
    const { engines, steps: done, parameters } = shown;
    const size = done[0].weights[engines[0]][parameter].length;
    const columns = [t("compare.after"), t("compare.engine"), ...Array.from({ length: size }, (_, k) => `>[${k}]`)];
    const rows = done.flatMap((step, k) => engines.map((engine) => [
      t("compare.step", { number: k + 1 }), t(`compare.engine.${engine}`),
      ...step.weights[engine][parameter].map((value) => value.toFixed(7))]));
    const element = table(columns, rows, t("compare.first-weights", { count: size, name: parameters[parameter] }));
    element.classList.add("weights");
    return element;
  }

  return panel;
}
