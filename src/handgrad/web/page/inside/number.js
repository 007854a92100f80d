// The number that was tapped: its sum of terms, or its gradient's.

import { fill, h } from "../dom.js";
import { digits } from "../numbers.js";
import { t } from "../strings.js";
import { formula, formulaOf } from "./formulas.js";
import { factorName, kindOf, layerName, placeName } from "./names.js";
import { planeImage, planeOf } from "./plane.js";
import { place_of, range_of } from "./place.js";
import { gradient_terms, parameter_terms, value_terms } from "./terms.js";
import { INPUT } from "./trace.js";

const FIRST = 8; // terms, before "show all"

export class NumberPanel {
  constructor(view, sections) {
    this.view = view;
    this.isWhole = false;
    this.body = h("div", {});
    this.element = h("section", { className: "panel number-panel", id: "number", tabIndex: -1, "aria-label": t("inside.number") },
      this.body, ...sections);
  }

  /** Show `view.chosen` of `view.trace`. */
  show() {
    const { trace, chosen: { path, index }, mode } = this.view;
    const values = trace.values(path), value = values.data[index], gradient = trace.slopes(path).data[index];
    const terms = mode === "gradient" ? gradient_terms(trace, path, index) : value_terms(trace, path, index);
    const shown = mode === "gradient" ? gradient : value;
    Object.assign(this.body.dataset, { path, index, value, gradient, mode });
    fill(this.body,
      h("h2", {}, t("inside.number")),
      h("p", {}, h("strong", {}, layerName(trace, path)), `, ${placeName(values.shape, index)}`),
      this.modes(mode, value, gradient),
      h("div", { className: "row top" }, this.closeUp(values), this.field()),
      this.explanation(path, mode),
      path === INPUT && mode === "value" ? null : this.terms(terms, shown, symbolOf(trace, path, mode)));
  }

  modes(current, value, gradient) {
    const button = (mode, number) => h("button", {
      type: "button", "aria-pressed": String(mode === current), dataset: { mode },
      onclick: () => this.view.changeMode(mode),
    }, h("span", { className: "small" }, t(`inside.${mode}`)), h("strong", {}, digits(number)));
    return h("div", { className: "modes", role: "group", "aria-label": t("inside.modes") },
      button("value", value), button("gradient", gradient));
  }

  /** The channel of the number, enlarged, and buttons that move to the numbers beside it. */
  closeUp({ shape }) {
    const { trace, chosen: { path, index }, mode } = this.view;
    const { data } = mode === "gradient" ? trace.slopes(path) : trace.values(path);
    const plane = planeOf(shape, shape.length === 4 ? place_of(shape, index)[0] : 0);
    const [low, high] = range_of(data);
    const move = (by, isPossible) => isPossible && this.view.choose(path, index + by, false);
    const at = index - plane.start, column = at % plane.W;
    const arrows = [
      ["←", "left", -1, column > 0], ["↑", "up", -plane.W, at >= plane.W],
      ["↓", "down", plane.W, at + plane.W < plane.count], ["→", "right", 1, column < plane.W - 1 && at + 1 < plane.count],
    ];
    const onkeydown = (event) => {
      const [, name] = event.key.startsWith("Arrow") ? event.key.toLowerCase().split("arrow") : [];
      const button = name && this.body.querySelector(`[data-move="${name}"]`);
      if (!button) return;
      event.preventDefault();
      button.focus();
      button.click();
    };
    return h("div", { onkeydown },
      planeImage(data, plane, {
        high: Math.max(Math.abs(low), Math.abs(high)), grey: path === INPUT && mode === "value", size: 200,
        text: t("inside.close-up"), mark: index, onpick: (picked) => this.view.choose(path, picked, false),
      }),
      h("div", { className: "row arrows", role: "group", "aria-label": t("inside.move") },
        ...arrows.map(([sign, name, by, isPossible]) => h("button", {
          type: "button", "aria-label": t(`inside.${name}`), "aria-disabled": String(!isPossible),
          dataset: { move: name }, onclick: () => move(by, isPossible),
        }, sign))));
  }

  /** The image with the part on which the number depends. */
  field() {
    const { trace, regions } = this.view, [, C, H, W] = trace.image.shape;
    const [, [top, bottom], [left, right]] = regions.get(INPUT) ?? [[0, 0], [0, 0], [0, 0]];
    const text = t("inside.field", { top, bottom, left, right, rows: bottom - top + 1, columns: right - left + 1 });
    const grey = Float64Array.from({ length: H * W }, (_, i) => {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += trace.image.data[c * H * W + i];
      return sum / C;
    });
    return h("figure", { className: "field", id: "field", dataset: { top, bottom, left, right } },
      planeImage(grey, { W, H, start: 0, count: H * W }, {
        high: 1, grey: true, size: 140, text, region: [[top, bottom], [left, right]],
      }),
      h("figcaption", {}, text));
  }

  /** The layer's formula, and one sentence. For gradients: that of the layer that reads the number. */
  explanation(path, mode) {
    const { trace, formulas } = this.view;
    if (mode === "value") {
      if (path === INPUT) return h("p", {}, t("inside.pixel"));
      const kind = kindOf(trace, path);
      return h("div", {}, formulaOf(trace.steps.get(path).layer, formulas[kind], mode), h("p", { className: "small" }, t(`inside.kind.${kind}`)));
    }
    const users = trace.users.get(path);
    const parts = users.map(({ path: user, kind }) => {
      if (kind === "loss") return formula([t("inside.loss-formula")]);
      const reader = kindOf(trace, user);
      const name = t(kind === "sum" ? "inside.added-in" : "inside.read-by", { layer: layerName(trace, user) });
      return h("div", {}, h("p", { className: "small" }, name), formulaOf(trace.steps.get(user).layer, formulas[reader], mode));
    });
    return h("div", {}, h("p", { className: "small" }, t("inside.gradient-why")), ...parts);
  }

  terms(terms, shown, symbol) {
    const { trace } = this.view;
    return termList(trace, terms, {
      shown, symbol, isWhole: this.isWhole,
      onweight: (array, index) => this.view.chooseWeight(array, index),
      onnumber: (path, index) => this.view.choose(path, index, false),
      onwhole: () => {
        this.isWhole = !this.isWhole;
        this.show();
      },
    });
  }
}

/** Return the symbol of the numbers in the terms; those of a container are outputs of its branches. */
function symbolOf(trace, path, mode) {
  if (mode === "gradient") return "dY";
  return trace.steps.get(path)?.parts.length ? "Y" : "X";
}

/** Return the terms of the gradient of a weight as a list. */
export function weightTerms(view, array, index, isWhole, onwhole) {
  const terms = parameter_terms(view.trace, array, index);
  return termList(view.trace, terms, {
    shown: view.trace.gradients[array].data[index], symbol: null, isWhole, onwhole,
    onnumber: (path, at) => view.choose(path, at, false), onweight: () => {},
  });
}

/** Return terms as a list, the largest first, and their sum beside the number `shown`. */
function termList(trace, terms, { shown, symbol, isWhole, onweight, onnumber, onwhole }) {
  const sorted = [...terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const sum = terms.reduce((total, { value }) => total + value, 0);
  const zeros = terms.filter(({ value }) => value === 0).length;
  const visible = isWhole ? sorted : sorted.slice(0, FIRST);
  const paths = terms.map(({ factors }) => factors.find(({ path }) => path !== undefined)?.path);
  const isOfSeveral = new Set(paths.filter((path) => path !== undefined)).size > 1;
  const factor = (item, at) => {
    const plain = factorName(trace, item, symbol ?? (at === 0 ? "dY" : "X"));
    const name = isOfSeveral && item.path !== undefined ? t("inside.of-layer", { name: plain, layer: layerName(trace, item.path) }) : plain;
    const text = [h("span", { className: "small muted" }, name), h("span", {}, digits(item.value))];
    if (item.array === undefined && item.path === undefined) return h("span", { className: "factor" }, ...text);
    const isWeight = item.array !== undefined;
    return h("button", {
      type: "button", className: `factor ${isWeight ? "weight" : ""}`,
      dataset: isWeight ? { array: item.array, index: item.index } : { path: item.path, index: item.index },
      onclick: () => (isWeight ? onweight(item.array, item.index) : onnumber(item.path, item.index)),
    }, ...text);
  };
  const row = (term) => h("li", { dataset: { value: term.value, factors: term.factors.map(({ value }) => value).join() } },
    h("span", { className: "factors" },
      ...term.factors.flatMap((item, at) => [at === 0 ? null : h("span", {}, "×"), factor(item, at)]),
      term.of ? factor(term.of, 0) : null),
    h("span", { className: "number" }, `${term.factors.length > 1 || term.of ? "= " : ""}${digits(term.value)}`));
  return h("div", { className: "sum", dataset: { sum, shown, terms: terms.length } },
    h("ol", { className: "terms" }, ...visible.map(row)),
    terms.length <= FIRST ? null : h("button", { type: "button", className: "all-terms", "aria-expanded": String(isWhole), onclick: onwhole },
      t(isWhole ? "inside.fewer" : "inside.all", { count: terms.length })),
    h("p", { className: "total" }, t("inside.total", { count: terms.length, zeros, sum: digits(sum) })));
}
