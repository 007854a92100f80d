// The lab: edits of the network, and what they do to the accuracy.

import { post } from "../api.js";
import { announce, fill, h, labelled, select, table } from "../dom.js";
import { digits, percent } from "../numbers.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";
import { MAX_EDITS, is_matrix, temperature_of, write_edits } from "./edits.js";
import { weightName } from "./names.js";

const DELAY = 350; // milliseconds after the last edit

export class Lab {
  constructor(view) {
    this.view = view;
    this.timer = null;
    this.asked = 0;
    this.found = null; // the scores before and after the edits
    this.list = h("ul", { className: "edits", id: "edits" });
    this.scores = h("div", { id: "scores", role: "status" });
    this.strip = h("div", { className: "effect", id: "effect", role: "status", hidden: true });
    this.controls = h("div", {});
    this.element = h("section", { className: "panel", id: "lab" },
      h("h2", {}, t("inside.lab")), h("p", { className: "small muted" }, t("inside.lab-why")),
      this.controls, this.list, this.scores);
  }

  stop() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  /** Make the controls for pruning and for the temperature. */
  build() {
    const { network } = this.view, number = (properties) => h("input", { type: "number", step: "any", ...properties });
    const names = [["", t("inside.all-weights")], ...Object.entries(network.arrays).filter(is_matrix).map(([name]) => [name, name])];
    const array = select(names, "", () => {}, { id: "prune-array" });
    const percent = number({ min: 0, max: 100, value: 50, id: "prune-percent" });
    const edit = (kind, name, control) => ({ kind, array: name, index: null, value: Number(control.value) });
    this.divisor = number({ min: 0.01, max: 100, id: "temperature" });
    this.divisor.onchange = () => this.addIfInRange(edit("temperature", null, this.divisor), this.divisor);
    fill(this.controls,
      h("div", { className: "row" },
        labelled(t("inside.prune"), percent, "%"), labelled(t("inside.prune-of"), array),
        h("button", {
          type: "button", id: "prune",
          onclick: () => this.addIfInRange(edit("prune", array.value || null, percent), percent),
        }, t("inside.prune-do"))),
      h("div", { className: "row" }, labelled(t("inside.temperature"), this.divisor),
        h("span", { className: "small muted" }, t("inside.temperature-why"))));
  }

  /** Show the edits of the view. */
  show() {
    const { edits, classifier } = this.view;
    if (!this.divisor) this.build();
    this.divisor.value = Number(temperature_of(edits, classifier.calibration?.temperature ?? 1).toPrecision(4));
    fill(this.list, ...edits.map((edit, at) => h("li", { dataset: { edit: JSON.stringify(edit) } },
      h("span", {}, this.nameOf(edit)),
      h("button", { type: "button", className: "undo", onclick: () => this.view.changeEdits(edits.filter((_, i) => i !== at)) },
        t("inside.undo")))),
    edits.length < 2 ? null : h("li", {}, h("button", { type: "button", id: "undo-all", onclick: () => this.view.changeEdits([]) }, t("inside.undo-all"))));
    changeSettings({ edits: edits.length === 0 ? null : write_edits(edits) });
    if (edits.length > MAX_EDITS) announce(t("inside.too-many", { count: MAX_EDITS }));
    this.ask();
  }

  /** Show, beside the controls of weights and neurons, what the edits do; `found` has both scores. */
  showEffect(found = null) {
    const { edits, answer } = this.view, share = ({ accuracy }) => percent(accuracy, { decimals: 2 });
    this.strip.hidden = edits.length === 0;
    if (found !== null) this.found = found;
    if (edits.length === 0) return;
    const { before, after } = this.found ?? {};
    fill(this.strip, h("strong", {}, t("inside.effect")),
      h("p", {}, t("inside.effect-answer", answer.answers)),
      h("p", {}, after ? t("inside.effect-accuracy", { before: share(before), after: share(after) }) : t("inside.evaluating")),
      h("button", { type: "button", id: "undo-last", onclick: () => this.view.changeEdits(edits.slice(0, -1)) }, t("inside.undo-last")));
  }

  addIfInRange(edit, control) {
    if (!control.validity.valid || control.value === "") {
      announce(t("inside.out-of-range", { low: control.min, high: control.max }));
      return;
    }
    this.add(edit);
  }

  /** Return whether an output is switched off by an edit. */
  isOff({ path, index }) {
    return this.view.edits.some((edit) => edit.kind === "off" && edit.array === path && edit.index === index);
  }

  /** Switch an output off, or on again. */
  toggle({ path, index }) {
    const edit = { kind: "off", array: path, index, value: null };
    if (!this.isOff({ path, index })) return this.add(edit);
    const isOther = ({ kind, array, index: at }) => kind !== "off" || array !== path || at !== index;
    return this.view.changeEdits(this.view.edits.filter(isOther));
  }

  /** Add an edit. One that sets the same weight, neuron or temperature again replaces the earlier one. */
  add(edit) {
    const isSame = (other) => edit.kind !== "prune" && other.kind === edit.kind && other.array === edit.array && other.index === edit.index;
    this.view.changeEdits([...this.view.edits.filter((other) => !isSame(other)), edit]);
  }

  nameOf({ kind, array, index, value }) {
    const { trace } = this.view;
    if (kind === "weight") return `${array}: ${weightName(trace, array, index)} = ${digits(value)}`;
    if (kind === "off") return t("inside.edit-off", { layer: array, index });
    if (kind === "prune") return t("inside.edit-prune", { value: digits(value), array: array ?? t("inside.all-weights") });
    return t("inside.edit-temperature", { value: digits(value) });
  }

  /** Ask the server for the accuracy on the test images, soon after the last edit. */
  ask() {
    clearTimeout(this.timer);
    const number = ++this.asked;
    delete this.scores.dataset.after;
    this.found = null;
    this.showEffect();
    this.timer = setTimeout(async () => {
      fill(this.scores, h("p", { className: "small muted" }, t("inside.evaluating")));
      try {
        const found = await post("/api/inside/lab", { edits: this.view.edits });
        if (number === this.asked) this.showScores(found);
      } catch (error) {
        if (number === this.asked) fill(this.scores, h("p", { className: "error" }, error.message));
      }
    }, DELAY);
  }

  showScores({ images, before, after }) {
    this.showEffect({ before, after });
    const exact = (share) => percent(share, { decimals: 2 });
    const row = (name, format) => [t(`inside.${name}`), format(before[name]), format(after[name])];
    Object.assign(this.scores.dataset, { images, before: JSON.stringify(before), after: JSON.stringify(after) });
    fill(this.scores, table([t("inside.on-test", { images }), `>${t("inside.before")}`, `>${t("inside.after")}`],
      [row("accuracy", exact), row("confidence", exact), row("loss", digits)]));
  }
}
