// A neuron or channel: its weights, the test images that excite it most, and a switch.

import { post, unpack } from "../api.js";
import { announce, fill, h } from "../dom.js";
import { imageAt, imageOf, rangeOf } from "../images.js";
import { digits } from "../numbers.js";
import { t } from "../strings.js";
import { kindOf, layerName } from "./names.js";
import { planeImage, planeOf } from "./plane.js";
import { place_of, range_of } from "./place.js";
import { INPUT } from "./trace.js";

const FIRST = 9; // maps of weights, before "show more"
const PASSED = new Set(["ReLU", "LeakyReLU", "Tanh", "SiLU", "MaxPool2d", "AvgPool2d", "GlobalAvgPool2d", "Dropout", "Dropout2d"]);

/** Return {path, index} of the output with weights from which a channel comes, or null.
 *
 * Activations that are 0 at 0, pooling and dropout pass a channel on: if it is 0 before them, it is 0
 * after them. */
export function switchOf(trace, path, channel) {
  while (path !== INPUT) {
    const { layer, params, source } = trace.steps.get(path), kind = layer.constructor.name;
    if (params.weight?.data) return { path, index: channel };
    if (!PASSED.has(kind)) return null;
    path = source;
  }
  return null;
}

export class NeuronSection {
  constructor(view) {
    this.view = view;
    this.limit = FIRST;
    this.images = h("ul", { className: "grid", id: "exciting" });
    this.element = h("section", { id: "neuron" });
  }

  show() {
    const { trace, chosen: { path, index } } = this.view;
    fill(this.images);
    this.limit = FIRST;
    if (path === INPUT) {
      fill(this.element);
      return;
    }
    const { shape } = trace.values(path), [channel] = place_of(shape, index);
    const name = shape.length === 4 ? t("inside.channel", { c: channel }) : t("inside.element", { n: channel });
    const off = switchOf(trace, path, channel), isOff = off !== null && this.view.lab.isOff(off);
    Object.assign(this.element.dataset, { path, channel });
    this.weights = h("div", {});
    fill(this.element,
      h("h3", {}, t("inside.neuron", { layer: layerName(trace, path), name })),
      this.weights,
      h("div", { className: "row" },
        h("button", { type: "button", id: "excite", onclick: () => this.excite(path, channel) }, t("inside.excite")),
        off === null ? null : h("button", {
          type: "button", id: "switch-off", "aria-pressed": String(isOff),
          onclick: () => {
            this.view.lab.toggle(off);
            this.element.querySelector("#switch-off").focus({ preventScroll: true });
          },
        }, t(isOff ? "inside.switched-off" : "inside.switch-off"))),
      h("p", { className: "small muted" }, off === null ? t("inside.no-switch") : t("inside.off-means", { layer: layerName(trace, off.path) })),
      this.images);
    this.showWeights();
  }

  /** Show the weights of the layer with weights from which this neuron comes, as images. */
  showWeights() {
    const { trace, chosen: { path, index } } = this.view;
    const [channel] = place_of(trace.values(path).shape, index), own = switchOf(trace, path, channel);
    const shape = own && trace.network.arrays[`${own.path}.weight`].shape;
    if (!own || shape.length === 1) return fill(this.weights);
    const { data } = trace.network.arrays[`${own.path}.weight`], size = data.length / shape[0];
    const row = data.subarray(own.index * size, (own.index + 1) * size), [low, high] = range_of(row);
    const layout = this.layoutOf(own.path, shape), [count, H, W] = layout, limit = Math.min(count, this.limit);
    const text = t("inside.weights-of", { layer: layerName(trace, own.path), kind: kindOf(trace, own.path), low: digits(low), high: digits(high) });
    const start = own.index * size;
    return fill(this.weights, h("p", { className: "small" }, text),
      h("div", { className: "grid", dataset: { shown: limit, count } }, ...Array.from({ length: limit }, (_, c) => planeImage(data, { W, H, start: start + c * H * W, count: Math.min(H * W, size - c * H * W) }, {
        high: Math.max(Math.abs(low), Math.abs(high)), size: H * W === 1 ? 44 : 84, text: t("inside.channel", { c }),
        mark: this.view.weight?.array === `${own.path}.weight` ? this.view.weight.index : null,
        onpick: (at) => this.view.chooseWeight(`${own.path}.weight`, at),
      })), count === limit ? null : h("button", {
        type: "button",
        onclick: () => {
          this.limit += 4 * FIRST;
          this.showWeights();
        },
      }, t("inside.more", { rest: count - limit }))));
  }

  /** Return [maps, rows, columns] of one row of weights: those of an image have its shape. */
  layoutOf(path, shape) {
    if (shape.length === 4) return shape.slice(1);
    const { trace } = this.view;
    let { source } = trace.steps.get(path);
    while (source !== INPUT && ["Flatten", "Normalize"].includes(kindOf(trace, source)) && trace.values(source).shape.length === 2) {
      source = trace.steps.get(source).source;
    }
    const before = trace.values(source).shape;
    if (before.length === 4 && before[1] * before[2] * before[3] === shape[1]) return before.slice(1);
    const { W, H } = planeOf([1, shape[1]]);
    return [1, H, W];
  }

  /** Show the test images for which this neuron has the largest output. */
  async excite(layer, index) {
    fill(this.images, h("li", {}, t("inside.searching")));
    try {
      const found = await post("/api/inside/exciting", { layer, index, edits: this.view.edits });
      const images = unpack(found.images);
      fill(this.images, h("li", { className: "whole small" }, t("inside.excited", { searched: found.searched, mean: digits(found.mean) })),
        ...found.index.map((n, i) => {
          const { shape, data } = imageAt(images, i), label = found.labels[i];
          const text = t("inside.excited-image", { n, label, value: digits(found.values[i]) });
          return h("li", { dataset: { index: n, value: found.values[i] } }, h("button", {
            type: "button", className: "tile-button", "aria-label": text, onclick: () => this.view.open(n),
          }, imageOf(data, shape, { ...rangeOf(data), size: 56, decorative: true }),
          h("span", { className: "small" }, `${label}: ${digits(found.values[i])}`)));
        }));
    } catch (error) {
      fill(this.images);
      announce(t("error", { reason: error.message }));
    }
  }
}
