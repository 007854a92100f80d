// What each layer computes for the image that is shown.

import { fill, h } from "../dom.js";
import { imageOf } from "../images.js";
import { short } from "../numbers.js";
import { t } from "../strings.js";
import { Residual, Sequential } from "../../runtime/chain.js";
import { context } from "../../runtime/layer.js";

const MOST = 16; // channels shown
const SIZE = 64; // of a channel, in CSS pixels
const WIDE = 240; // of a vector

/** A panel that computes the layers only while it is open. */
export class Layers {
  constructor(classifier) {
    this.classifier = classifier;
    this.input = null;
    this.body = h("div", { id: "layers" });
    this.details = h("details", { ontoggle: () => this.update() },
      h("summary", {}, h("h2", {}, t("app.layers"))), h("p", { className: "small muted" }, t("app.layers-why")), this.body);
    this.element = h("section", { className: "panel" }, this.details);
  }

  /** Show the layers for an input {shape: [C, H, W], data}, or for none if it is null. */
  show(input) {
    this.input = input;
    this.update();
  }

  update() {
    if (!this.details.open) return;
    if (this.input === null) {
      fill(this.body, h("p", {}, t("app.layers-empty")));
      return;
    }
    const { network } = this.classifier, { shape, data } = this.input;
    const steps = network.walk({ shape: [1, ...shape], data }, context(), { inner: true });
    const shown = [...steps].filter(({ layer }) => !(layer instanceof Sequential || layer instanceof Residual));
    fill(this.body, ...shown.map(layerFigure));
  }
}

function layerFigure({ path, layer, Y: { shape: [, ...shape], data } }) {
  const [low, high] = [data, data].map((values, k) =>
    values.reduce((a, b) => (k ? Math.max(a, b) : Math.min(a, b)), k ? -Infinity : Infinity));
  const isMaps = shape.length === 3 && shape[1] * shape[2] > 1;
  const range = low < 0 ? { signed: true, high: Math.max(-low, high) } : { low: 0, high };
  const maps = isMaps ? channels(data, shape) : [vector(data)];
  const about = {
    shape: shape.join(" × "), low: short(low), high: short(high), shown: maps.length, count: shape[0],
  };
  const isPart = isMaps && maps.length < shape[0];
  return h("figure", { className: "layer-output", dataset: { path, low, high } },
    h("h3", {}, `${path} ${layer.constructor.name}`),
    h("figcaption", {}, t(isPart ? "app.layer-some" : "app.layer-values", about)),
    h("div", { className: "grid" }, ...maps.map(({ size, values }) =>
      imageOf(values, [1, ...size], { ...range, size: isMaps ? SIZE : WIDE, decorative: true }))));
}

/** Return the first channels of a layer's output (C, H, W). */
function channels(data, [C, H, W]) {
  return Array.from({ length: Math.min(C, MOST) }, (_, c) =>
    ({ size: [H, W], values: data.subarray(c * H * W, (c + 1) * H * W) }));
}

/** Return a vector as an image, row by row. */
function vector(data) {
  const width = Math.min(data.length, Math.max(10, Math.ceil(Math.sqrt(4 * data.length))));
  const height = Math.ceil(data.length / width), values = new Float64Array(width * height);
  values.set(data);
  return { size: [height, width], values };
}
