// The answer for the image, before and after the edits, and the steps of softmax and loss.

import { fill, h, labelled, select, table } from "../dom.js";
import { meter } from "../meter.js";
import { digits, percent } from "../numbers.js";
import { t } from "../strings.js";
import { Calibration } from "../../runtime/calibration.js";
import { temperature_of } from "./edits.js";

const MOST = 10; // classes in the panel

export class AnswerPanel {
  constructor(view) {
    this.view = view;
    this.body = h("div", { id: "inside-answer" });
    this.element = h("section", { className: "panel" }, h("h2", {}, t("inside.answer")), this.body);
    this.softmax = h("section", { className: "layer", id: "softmax" });
  }

  show() {
    const { view } = this, { classifier, trace, original, edits } = view;
    const usual = classifier.calibration?.temperature ?? 1, temperature = temperature_of(edits, usual);
    const probabilities = ({ network, logits }, T) =>
      new Calibration({ temperature: T }).probabilities(logits, network.dtype).data;
    const before = probabilities(original, usual), after = probabilities(trace, temperature);
    const order = [...classifier.classes.keys()].sort((a, b) => after[b] - after[a] || a - b);
    const [best] = order, isEdited = edits.length > 0, label = classifier.classes[view.label];
    const [bestBefore] = [...before.keys()].sort((a, b) => before[b] - before[a] || a - b);
    this.answers = {
      after: classifier.classes[best], after_share: percent(after[best]),
      before: classifier.classes[bestBefore], before_share: percent(before[bestBefore]),
    };
    Object.assign(this.body.dataset, {
      predicted: classifier.classes[best], probabilities: after.join(), before: before.join(),
      logits: trace.logits.data.join(), loss: trace.loss,
    });
    fill(this.body,
      h("p", { className: "answer" }, String(classifier.classes[best])),
      view.trueLabel === null ? null : h("p", { className: best === view.trueLabel ? "good" : "bad" },
        t(best === view.trueLabel ? "draw.right" : "draw.wrong", { label: classifier.classes[view.trueLabel] })),
      ...order.slice(0, MOST).map((k) => meter(classifier.classes[k], after[k], isEdited ? before[k] : null)),
      isEdited ? h("p", { className: "small muted" }, t("inside.before-mark")) : null,
      labelled(t("inside.loss-for"), select([...classifier.classes.keys()].map((k) => [k, classifier.classes[k]]), view.label,
        (k) => view.changeLabel(Number(k)), { id: "label" })),
      h("p", { className: "small" }, t("inside.loss-now", { label, loss: digits(trace.loss) })));
    this.showSoftmax(temperature, after);
    return best;
  }

  /** Show z, exp(z − max), their sum, the probabilities and the loss, number by number. */
  showSoftmax(temperature, calibrated) {
    const { trace, classifier, label } = this.view, z = [...trace.logits.data];
    const largest = Math.max(...z), powers = z.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((a, b) => a + b, 0), p = powers.map((power) => power / sum);
    const isCalibrated = temperature !== 1;
    const columns = [t("inside.class"), ">z", ">z − max", ">exp(z − max)", ">p", ">p − onehot(y)"];
    const rows = z.map((value, k) => [
      String(classifier.classes[k]), digits(value), digits(value - largest), digits(powers[k]), digits(p[k]),
      digits(trace.dlogits.data[k]), ...(isCalibrated ? [digits(calibrated[k])] : []),
    ]);
    if (isCalibrated) columns.push(`>p (T = ${digits(temperature)})`);
    Object.assign(this.softmax.dataset, { powers: powers.join(), sum, probabilities: p.join(), loss: -Math.log(p[label]) });
    fill(this.softmax,
      h("h3", {}, t("inside.softmax")),
      h("p", { className: "formula" }, "p = exp(z − max) / Σ exp(z − max)", h("br"), "L = −log p[y]", h("br"), "dL/dz = p − onehot(y)"),
      h("p", { className: "small muted" }, t("inside.softmax-why")),
      h("p", { className: "small muted" }, t("inside.onehot", { label: classifier.classes[label] })),
      table(columns, rows, t("inside.softmax")),
      h("p", { className: "total" }, `max z = ${digits(largest)}`, h("br"), `Σ exp(z − max) = ${digits(sum)}`),
      h("p", { className: "total" }, t("inside.loss-step", { label: classifier.classes[label], p: String(Number(p[label].toPrecision(7))), loss: digits(trace.loss) })),
      isCalibrated ? h("p", { className: "small muted" }, t("inside.softmax-temperature", { temperature: digits(temperature) })) : null);
  }
}
