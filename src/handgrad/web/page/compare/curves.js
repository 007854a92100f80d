// The facts, the settings that differ, and the learning curves of two runs.

import { lineChart } from "../chart.js";
import { h, table } from "../dom.js";
import { percent, short } from "../numbers.js";
import { t } from "../strings.js";

/** Return a panel with what is known of both runs, and the settings that differ. */
export function factsPanel({ runs, settings, agreement }, names) {
  const row = (name, text) => [name, ...runs.map(text)];
  const rows = [
    row(t("compare.model"), (run) => run.model || run.layers.join(", ")),
    row(t("compare.data"), (run) => run.data || "–"),
    row(t("compare.parameters"), (run) => run.parameters.toLocaleString()),
    row(t("compare.epochs"), (run) => run.epochs ?? "–"),
    row(t("compare.own-accuracy"), (run) => percent(run.accuracy ?? NaN)),
  ];
  if (agreement) {
    rows.push(row(t("compare.accuracy-here"), (_, k) => percent(agreement.accuracies[k])));
    rows.push(row(t("compare.interval"), (_, k) => agreement.intervals[k].map(percent).join(" – ")));
  }
  const different = settings.map(({ name, values }) => [name, ...values.map((value) => value || "–")]);
  return h("section", { className: "panel facts" },
    h("h2", {}, t("compare.facts")),
    table(["", ...names], rows, t("compare.facts")),
    h("h3", {}, t("compare.settings")),
    different.length
      ? table([t("compare.setting"), ...names], different, t("compare.settings"))
      : h("p", {}, t("compare.same-settings")));
}

/** Return a panel with the learning curves of both runs; its method `draw` draws them. */
export function curvesPanel({ runs }, names) {
  const loss = lineChart({ title: t("compare.loss"), xName: t("compare.epoch"), yName: t("compare.loss"), yMin: 0, format: short });
  const accuracy = lineChart({
    title: t("compare.accuracy"), xName: t("compare.epoch"), yName: t("compare.accuracy"), format: percent,
  });
  const without = runs.filter((run) => run.history.number.length === 0);
  const panel = h("section", { className: "panel curves" },
    h("h2", {}, t("compare.curves")),
    ...without.map((run) => h("p", { className: "small" }, t("compare.no-history", { name: run.title }))),
    loss, accuracy);
  const series = (suffix) => runs.flatMap(({ history }, k) =>
    [[suffix, "compare.training"], [`validation_${suffix}`, "compare.validation"]]
      .filter(([key]) => history[key].some((value) => value !== null))
      .map(([key, text]) => ({
        name: `${"AB"[k]} ${t(text)}`,
        x: history.number,
        y: history[key].map((value) => value ?? NaN),
      })));
  panel.draw = () => {
    panel.hidden = without.length === runs.length;
    loss.show(series("loss"));
    accuracy.show(series("accuracy"));
  };
  panel.setAttribute("aria-label", names.join(", "));
  return panel;
}
