// The two thresholds of "don't know": of the probability, and of the out-of-distribution score.

import { lineChart } from "../chart.js";
import { fill, h } from "../dom.js";
import { percent, short } from "../numbers.js";
import { slider } from "../slider.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";

const POINTS = 101; // of the curves

/** Return which answers are given with two thresholds: how many, and how many are correct.
 *
 * An answer is given if its probability is at least `threshold` and its score, if there is one, is
 * at most `limit`.
 */
export function accepted({ labels, answers, confidence, scores }, threshold, limit) {
  let [count, correct] = [0, 0];
  for (let n = 0; n < labels.length; n++) {
    if (confidence[n] < threshold || (scores && scores[n] > limit)) continue;
    count += 1;
    if (answers[n] === labels[n]) correct += 1;
  }
  const wrong = count - correct;
  return { count, wrong, coverage: count / labels.length, accuracy: count ? correct / count : NaN };
}

/** Return a panel with both sliders and their effect. */
export function thresholdPanel(result, settings) {
  const { scores } = result;
  let threshold = numberIn(settings.threshold, result.threshold);
  let limit = scores ? numberIn(settings.score, result.score_threshold) : Infinity;
  const outcome = h("div", { className: "outcome", "aria-live": "polite" });
  const chart = lineChart({
    title: t("evaluate.curve"), xName: t("evaluate.threshold"), yName: t("evaluate.share"),
    yMin: 0, yMax: 1, format: percent,
  });
  const panel = h("section", { className: "panel thresholds", dataset: { draws: "" } });

  function show() {
    const found = accepted(result, threshold, limit);
    Object.assign(panel.dataset, { coverage: found.coverage, accuracy: found.accuracy, threshold, limit });
    fill(outcome,
      number(t("evaluate.coverage"), percent(found.coverage)),
      number(t("evaluate.accuracy-accepted"), percent(found.accuracy)),
      number(t("evaluate.wrong-accepted"), found.wrong));
  }

  panel.draw = () => {
    const xs = Array.from({ length: POINTS }, (_, k) => k / (POINTS - 1));
    const found = xs.map((x) => accepted(result, x, limit));
    chart.show([
      { name: t("evaluate.coverage"), x: xs, y: found.map((f) => f.coverage) },
      { name: t("evaluate.accuracy-accepted"), x: xs, y: found.map((f) => f.accuracy) },
    ]);
  };

  const probability = slider(t("evaluate.threshold"), 0, 1, 0.001, threshold, percent, (value) => {
    threshold = value;
    changeSettings({ threshold });
    show();
  });
  const [low, high] = scores ? range(scores, result.score_threshold) : [0, 1];
  const score = scores && slider(t("evaluate.score"), low, high, (high - low) / 400, limit, short, (value) => {
    limit = value;
    changeSettings({ score: limit });
    show();
    panel.draw();
  });
  const reset = h("button", { type: "button" }, t("evaluate.stored"));
  reset.onclick = () => {
    threshold = result.threshold;
    limit = scores ? result.score_threshold : Infinity;
    changeSettings({ threshold: null, score: null });
    probability.set(threshold);
    if (score) score.set(limit);
    show();
    panel.draw();
  };
  show();
  panel.append(
    h("h2", {}, t("evaluate.unsure")),
    h("p", { className: "small muted" },
      t(result.is_calibrated ? "evaluate.unsure-help" : "evaluate.unsure-uncalibrated")),
    probability, score ?? h("p", { className: "small" }, t("evaluate.no-score")), reset, outcome, chart);
  return panel;
}

function number(name, value) {
  return h("p", {}, h("strong", { className: "number" }, value), ` ${name}`);
}

function numberIn(text, fallback) {
  const value = Number(text);
  return text !== undefined && text !== "" && Number.isFinite(value) ? value : fallback;
}

function range(scores, threshold) {
  let [low, high] = [threshold, threshold];
  for (const score of scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return [Math.floor(low), Math.ceil(high)];
}
