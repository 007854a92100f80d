// What is shown of a run while it trains: facts, curves, weights and predictions.

import { unpack } from "../api.js";
import { lineChart } from "../chart.js";
import { fill, h } from "../dom.js";
import { imageAt, imageOf, paint, rangeOf } from "../images.js";
import { percent, short } from "../numbers.js";
import { t } from "../strings.js";

const FACTS = ["epoch", "step", "loss", "accuracy", "lr", "images_per_second"];

/** Return {element, update, clear}: `update(state)` shows the new events of a run. */
export function liveRun() {
  const facts = Object.fromEntries(FACTS.map((name) => [name, h("dd", { dataset: { fact: name } }, "–")]));
  const loss = chart("loss", { format: (value) => short(Number(value.toPrecision(3))) });
  const accuracy = chart("accuracy", { yMin: 0, yMax: 1, format: (value) => `${short(100 * value)} %` });
  const weights = images(t("train.weights.none"));
  const predictions = h("ul", { className: "grid predictions" });
  const weightsTitle = h("h3", {}, t("train.weights"));
  const nothing = h("p", { className: "muted" }, t("train.nothing"));
  const shownParts = h("div", { className: "live", hidden: true },
    h("dl", { className: "facts" }, ...FACTS.map((name) =>
      h("div", {}, h("dt", {}, t(`train.fact.${name}`)), facts[name]))),
    h("div", { className: "columns" }, loss, accuracy),
    h("h3", {}, t("train.predictions")), h("p", { className: "small muted" }, t("train.predictions.about")),
    predictions,
    weightsTitle, h("p", { className: "small muted" }, t("train.weights.about")), weights.element);
  const element = h("div", {}, nothing, shownParts);
  let run = null;
  let points = [];
  let records = [];
  let sixteen = null;

  function clear() {
    [run, points, records, sixteen] = [null, [], [], null];
    shownParts.hidden = true;
    nothing.hidden = false;
    fill(predictions);
    weights.show(null);
    for (const name of FACTS) facts[name].textContent = "–";
  }

  function update(state) {
    if (state.run) {
      run = state.run;
      shownParts.hidden = false;
      nothing.hidden = true;
    }
    if (state.sixteen) sixteen = state.sixteen;
    points.push(...state.points);
    if (state.run && !records.length) records.push(...state.run.records);
    const known = new Set(records.map((record) => record.number));
    records.push(...state.epochs.filter((record) => !known.has(record.number)));
    if (state.points.length) showFacts(points[points.length - 1]);
    if (state.points.length || state.epochs.length || state.run) curves();
    if (state.network && run && sixteen) {
      showPredictions(state.network);
      weights.show(state.network);
      weightsTitle.textContent = t("train.weights.of", { units: state.network.units });
    }
  }

  function showFacts(point) {
    facts.epoch.textContent = `${short(point.epoch)} / ${run.epochs}`;
    facts.step.textContent = String(point.step);
    facts.loss.textContent = short(point.loss);
    facts.accuracy.textContent = percent(point.accuracy);
    facts.lr.textContent = short(point.lr);
    facts.images_per_second.textContent = Math.round(point.images_per_second).toLocaleString();
  }

  function curves() {
    for (const [figure, name] of [[loss, "loss"], [accuracy, "accuracy"]]) {
      const validated = records.filter((record) => record[`validation_${name}`] !== null);
      figure.show([
        { name: t("train.curve.part"), x: points.map((p) => p.epoch), y: points.map((p) => p[name]) },
        { name: t("train.curve.epoch"), x: records.map((r) => r.number), y: records.map((r) => r[name]) },
        { name: t("train.curve.validation"), x: validated.map((r) => r.number),
          y: validated.map((r) => r[`validation_${name}`]) },
      ]);
    }
  }

  function showPredictions({ probabilities, step }) {
    predictions.dataset.step = step;
    const p = unpack(probabilities);
    const X = unpack(sixteen.images);
    const K = p.shape[1];
    fill(predictions, ...sixteen.labels.map((label, n) => {
      const image = imageAt(X, n);
      const row = [...p.data.slice(n * K, (n + 1) * K)];
      const best = row.indexOf(Math.max(...row));
      const isRight = best === label;
      const text = t(isRight ? "train.right" : "train.wrong",
        { label: run.classes[label], answer: run.classes[best], p: percent(row[best]) });
      return h("li", { className: "tile", dataset: { answer: best, p: row[best] } },
        imageOf(image.data, image.shape, { ...rangeOf(X.data), size: 56, text }),
        h("span", { className: `small ${isRight ? "good" : "bad"}`, "aria-hidden": "true" },
          `${isRight ? "✓" : "✗"} ${run.classes[best]} ${percent(row[best], { decimals: 0 })}`));
    }));
  }

  return { element, update, clear };
}

function chart(name, options = {}) {
  return lineChart({ title: t(`train.chart.${name}`), xName: t("train.fact.epoch"),
    yName: t(`train.fact.${name}`), ...options });
}

// The images are painted again and again, so their canvases are kept.
function images(none) {
  const element = h("div", { className: "grid weights" });
  let canvases = [];
  function show(network) {
    if (network === null || network.weights === null) {
      canvases = [];
      fill(element, network === null ? null : none);
      return;
    }
    const { shape: [count, ...shape], data } = unpack(network.weights);
    const size = shape.reduce((a, b) => a * b, 1);
    const high = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const one = (n) => data.subarray(n * size, (n + 1) * size);
    if (canvases.length !== count || canvases[0].width !== shape[2]) {
      canvases = Array.from({ length: count }, (_, n) => imageOf(one(n).slice(0, shape[1] * shape[2]),
        [1, ...shape.slice(1)], { signed: true, high, size: 56, text: t("train.weights.one", { n: n + 1 }) }));
      fill(element, ...canvases);
    }
    element.weights = data;
    canvases.forEach((canvas, n) => {
      if (shape[0] === 1) paint(canvas, one(n), shape, { signed: true, high });
      else paint(canvas, one(n), shape, { low: -high, high });
    });
  }
  return { element, show };
}
