// The answer of the network: the class, its calibrated probabilities, and how the image got there.

import { fill, h } from "../dom.js";
import { imageOf, rangeOf } from "../images.js";
import { meter } from "../meter.js";
import { t } from "../strings.js";

const MOST = 10; // classes shown

/** The answer, and the panel with the steps. `element.prediction` is the prediction shown. */
export class Answer {
  constructor() {
    this.label = h("p", { className: "answer", id: "answer" });
    this.reason = h("p", { id: "reason" });
    this.meters = h("div", { id: "probabilities" });
    this.steps = h("ol", { className: "grid", id: "steps" });
    this.element = h("div", {}, this.label, this.reason, this.meters);
    this.stepsPanel = h("section", { className: "panel wide" },
      h("h2", {}, t("draw.steps")), h("p", { className: "small muted" }, t("draw.steps-why")), this.steps);
    this.element.prediction = null;
  }

  /** Show that there is nothing to classify. */
  clear() {
    this.element.prediction = null;
    this.label.textContent = "–";
    this.reason.textContent = t("draw.empty");
    fill(this.meters);
    fill(this.steps);
  }

  /** Show a prediction of the runtime. `label` is the name of the true class, or null. */
  show(prediction, label = null) {
    this.element.prediction = prediction;
    const { predicted, is_confident, reason, top } = prediction;
    this.label.textContent = is_confident ? String(predicted) : t("draw.unknown");
    this.label.className = "answer";
    if (label !== null) {
      const isRight = String(predicted) === label;
      this.label.classList.add(isRight ? "good" : "bad");
      this.label.append(` ${t(isRight ? "draw.right" : "draw.wrong", { label })}`);
    }
    this.reason.textContent = is_confident ? "" : reasonText(reason, predicted);
    fill(this.meters, ...top.slice(0, MOST).map(([name, probability]) => meter(name, probability)));
    const stages = prediction.stages ?? [];
    fill(this.steps, ...stages.map(({ title, image }) => stage(title, image)), input(prediction));
  }
}

/** Return why the network does not know, in the language of the page. */
export function reasonText(reason, predicted) {
  return reason in REASONS ? t(REASONS[reason], { predicted }) : t("draw.problem", { reason, predicted });
}

const REASONS = {
  unsure: "draw.unsure",
  "unlike the training data": "draw.unlike",
  "nothing drawn": "draw.nothing",
  "lines across the image": "draw.lines",
  "opposite polarity": "draw.polarity",
};

function stage(title, { height, width, channels, data }) {
  const name = title in STEP_NAMES ? t(STEP_NAMES[title]) : title;
  const canvas = imageOf(planes(data, height, width, channels), [channels === 1 ? 1 : 3, height, width],
    { size: 84, decorative: true });
  return h("li", {}, h("figure", { className: "step" }, canvas, h("figcaption", {}, name)));
}

const STEP_NAMES = {
  raw: "step.raw",
  "alpha composited": "step.alpha",
  "background subtracted": "step.background",
  binarized: "step.binarized",
  "centred by mass": "step.centred",
  "contrast stretched": "step.contrast",
  cropped: "step.cropped",
  "dark ink inverted": "step.dark",
  denoised: "step.denoised",
  downscaled: "step.downscaled",
  grey: "step.grey",
  "grey to RGB": "step.rgb",
  inverted: "step.inverted",
  "lines removed": "step.lines",
  resized: "step.resized",
  "scaled to fit": "step.fit",
  upscaled: "step.upscaled",
  "upscaling undone": "step.undone",
};

function input({ input: { shape, data } }) {
  const canvas = imageOf(data, shape, { ...rangeOf(data), size: 84, decorative: true });
  return h("li", {}, h("figure", { className: "step" }, canvas, h("figcaption", {}, t("draw.input"))));
}

/** Return the colours of an image whose channels stand side by side, as planes on white. */
function planes(data, height, width, channels) {
  const count = height * width;
  if (channels === 1) return data;
  const out = new Float64Array(3 * count);
  for (let i = 0; i < count; i++) {
    const alpha = channels === 4 ? data[channels * i + 3] / 255 : 1;
    for (let c = 0; c < 3; c++) out[c * count + i] = data[channels * i + c] * alpha + 255 * (1 - alpha);
  }
  return out;
}
