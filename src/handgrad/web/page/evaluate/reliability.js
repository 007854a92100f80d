// The reliability diagram: how often are answers of a probability correct?

import { beginFigure, colour, line } from "../canvas.js";
import { h, table } from "../dom.js";
import { percent } from "../numbers.js";
import { t } from "../strings.js";

const [SIZE, LEFT, BOTTOM, TOP, RIGHT] = [320, 56, 44, 12, 12];

/** Return a panel with the diagram and the expected calibration error. */
export function reliabilityPanel({ reliability, is_calibrated: isCalibrated }) {
  const { counts, confidence, accuracy, error } = reliability;
  const used = [...counts.keys()].filter((k) => counts[k] > 0);
  const text = used.map((k) =>
    t("evaluate.bin", { confidence: percent(confidence[k]), accuracy: percent(accuracy[k]), count: counts[k] }));
  const canvas = h("canvas", { role: "img", "aria-label": `${t("evaluate.reliability")}. ${text.join("; ")}` });
  const panel = h("section", { className: "panel reliability", dataset: { draws: "", error } },
    h("h2", {}, t("evaluate.reliability")),
    h("p", { className: "small muted" }, t("evaluate.reliability-help")),
    canvas,
    h("p", {}, h("strong", { className: "number" }, percent(error)), ` ${t("evaluate.ece")}`),
    h("p", { className: "small muted" }, t(isCalibrated ? "evaluate.calibrated" : "evaluate.uncalibrated")),
    h("details", {}, h("summary", { className: "small" }, t("chart.table")),
      table([t("evaluate.probability"), `>${t("evaluate.accuracy")}`, `>${t("evaluate.images")}`],
        used.map((k) => [percent(confidence[k]), percent(accuracy[k]), counts[k]]),
        t("evaluate.reliability"))));
  panel.reliability = reliability;
  panel.draw = () => draw(canvas, reliability, Math.min(SIZE, panel.clientWidth - 34));
  return panel;
}

function draw(canvas, { counts, accuracy, confidence }, size) {
  const context = beginFigure(canvas, size, size);
  const px = (x) => LEFT + x * (size - LEFT - RIGHT);
  const py = (y) => size - BOTTOM - y * (size - BOTTOM - TOP);
  const largest = Math.max(...counts);
  counts.forEach((count, k) => {
    if (!count) return;
    const [x, width] = [px(k / counts.length), px(1 / counts.length) - px(0)];
    context.globalAlpha = 0.35 + 0.65 * Math.sqrt(count / largest);
    context.fillStyle = colour("--series-1");
    context.fillRect(x + 1, py(accuracy[k]), width - 2, py(0) - py(accuracy[k]));
    context.globalAlpha = 1;
    context.fillStyle = colour("--series-2");
    context.fillRect(x + 1, py(confidence[k]) - 1.5, width - 2, 3);
  });
  context.strokeStyle = colour("--line");
  context.strokeRect(px(0), py(1), px(1) - px(0), py(0) - py(1));
  context.strokeStyle = colour("--text");
  context.setLineDash([5, 4]);
  line(context, [px(0), py(0)], [px(1), py(1)]);
  context.fillStyle = colour("--text");
  for (const share of [0, 0.5, 1]) {
    context.textAlign = "right";
    context.fillText(`${100 * share} %`, LEFT - 6, py(share) + (share === 1 ? 10 : 4));
    context.textAlign = share === 1 ? "right" : "center";
    context.fillText(`${100 * share} %`, px(share), size - BOTTOM + 18);
  }
  context.textAlign = "center";
  context.fillText(t("evaluate.probability"), px(0.5), size - 6);
}
