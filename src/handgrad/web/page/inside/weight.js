// One weight: its gradient, the proof of this gradient, and a new value for it.

import { announce, fill, h, labelled, select } from "../dom.js";
import { digits } from "../numbers.js";
import { t } from "../strings.js";
import { weightName } from "./names.js";
import { weightTerms } from "./number.js";
import { STEPS, prove } from "./prove.js";

const TINY = 1e-10; // a loss below has too few digits for a proof
const AGREE = 1e-4; // the largest relative difference that counts as agreement

export class WeightSection {
  constructor(view) {
    this.view = view;
    this.h = null; // null: chosen automatically
    this.isWhole = false;
    this.proof = h("div", { id: "proof", role: "status" });
    this.element = h("section", { id: "weight" });
  }

  /** Show `view.weight`, {array, index}, or nothing if it is null. */
  show() {
    const { view } = this;
    fill(this.proof);
    if (view.weight === null) {
      fill(this.element);
      return;
    }
    const { array, index } = view.weight, { data, shape } = view.trace.network.arrays[array];
    const gradient = view.trace.gradients[array]?.data[index];
    Object.assign(this.element.dataset, { array, index, value: data[index], gradient });
    const value = h("input", { type: "number", step: "any", value: data[index], id: "weight-value" });
    const position = h("input", { type: "number", min: 0, max: data.length - 1, value: index, id: "weight-index" });
    position.onchange = () => view.chooseWeight(array, Math.min(data.length - 1, Math.max(0, Math.round(Number(position.value)))));
    const names = Object.keys(view.trace.network.parameters).map((name) => [name, `${name} (${view.trace.network.arrays[name].shape.join(" × ")})`]);
    fill(this.element,
      h("h3", {}, t("inside.weight")),
      h("p", { className: "small muted" }, t("inside.weight-why")),
      h("div", { className: "row" },
        labelled(t("inside.array"), select(names, array, (name) => view.chooseWeight(name, 0), { id: "weight-array" })),
        labelled(t("inside.position", { last: data.length - 1 }), position)),
      h("p", {}, h("strong", {}, `${weightName(view.trace, array, index)} = ${digits(data[index])}`),
        `, ${t("inside.its-gradient", { gradient: digits(gradient) })}`),
      h("div", { className: "row" },
        h("button", { type: "button", className: "primary", id: "prove", onclick: () => this.prove() }, t("inside.prove")),
        labelled("h", select([["", t("inside.automatic")], ...STEPS.map((step) => [step, String(step)])], this.h ?? "",
          (step) => this.changeStep(step), { id: "step" }))),
      this.proof,
      h("details", {}, h("summary", {}, t("inside.weight-terms")), this.terms()),
      h("div", { className: "row" },
        labelled(t("inside.new-value"), value),
        h("button", { type: "button", id: "set-weight", onclick: () => this.change(value) }, t("inside.set"))));
  }

  terms() {
    const { array, index } = this.view.weight, place = h("div", {});
    const render = () => fill(place, weightTerms(this.view, array, index, this.isWhole, () => {
      this.isWhole = !this.isWhole;
      render();
    }));
    render();
    return place;
  }

  changeStep(step) {
    this.h = step === "" ? null : Number(step);
    if (this.proof.firstChild) this.prove();
  }

  /** Change the weight by ±h, and show the slope of the loss beside the gradient. */
  prove() {
    const { array, index } = this.view.weight, found = prove(this.view.trace, array, index, this.h);
    const agrees = found.difference <= AGREE;
    const { value, plus, minus, slope, gradient, difference, kinks } = found, step = String(found.h);
    Object.assign(this.proof.dataset, found, { agrees });
    const line = (name, number) => h("div", {}, h("dt", {}, name), h("dd", { className: "number" }, number));
    const long = (number) => Number(number.toPrecision(10)).toString().replaceAll("-", "−");
    fill(this.proof, h("dl", {},
      line(t("inside.loss-plus", { weight: long(value), step }), long(plus)),
      line(t("inside.loss-minus", { weight: long(value), step }), long(minus)),
      line(t("inside.slope", { step }), long(slope)),
      line(t("inside.backward"), long(gradient)),
      line(t("inside.difference"), difference.toExponential(1).replaceAll("-", "−"))),
    h("p", { className: agrees ? "good" : "bad" }, t(agrees ? "inside.agrees" : "inside.disagrees")),
    kinks > 0 ? h("p", { id: "kinks" }, t(this.h === null ? "inside.kink-here" : "inside.kinks", { kinks, step })) : null,
    Math.abs(plus) < TINY ? h("p", {}, t("inside.tiny-loss")) : null,
    this.h === null && kinks === 0 ? h("p", { className: "small muted" }, t("inside.step-why", { step })) : null);
  }

  change(control) {
    const value = Number(control.value);
    if (control.value === "" || !Number.isFinite(value)) {
      announce(t("inside.no-number"));
      return;
    }
    this.view.lab.add({ kind: "weight", ...this.view.weight, value });
  }
}
