// The forward and the backward pass of one image, and which layer reads which numbers.

import { context } from "../../runtime/layer.js";
import { SoftmaxCrossEntropy } from "../../runtime/losses.js";
import { Residual, Sequential } from "../../runtime/chain.js";
import { by_path } from "../../runtime/walk.js";

export const INPUT = "input"; // the path of the image

/**
 * Every number of one image's computation, in inference mode: dropout is off, and batch norm uses its
 * running statistics.
 *
 * - steps: a map from each layer's path to {path, layer, params, X, Y, cache, source}, where `source`
 *   is the path of the layer (or `INPUT`) that computed X.
 * - back: a map from each layer's path to {dY, dX, gradients}, the gradients of the loss.
 * - users: a map from each path to what reads its output: a list of {path, kind}. The kind is "layer"
 *   for a layer that takes it as X; "sum" for a container whose Y is the sum of its branches; and "loss".
 * - gradients: the gradient of each parameter by its full name, such as "3.weight".
 * - logits, loss, dlogits, label.
 */
export class Trace {
  /** `image` is {shape: [C, H, W], data} as the network takes it; `label` an index of the classes. */
  constructor(network, image, label) {
    Object.assign(this, { network, label, users: new Map([[INPUT, []]]) });
    const images = { shape: [1, ...image.shape], data: image.data };
    this.image = network.as_input(images);
    this.steps = by_path(network.walk(images, context(), { inner: true }));
    const outer = network.layers.map((_, i) => this.steps.get(String(i)));
    this.logits = outer.at(-1).Y;
    [this.loss, this.dlogits] = new SoftmaxCrossEntropy().value_and_gradient(this.logits, [label]);
    const caches = outer.map(({ cache }) => cache);
    this.back = by_path(network.walk_back(caches, this.dlogits, { inner: true }));
    this.gradients = gradients_of(this.back);
    this.connect(network.layers, INPUT, null, "");
  }

  /** The paths of all layers in the order of computation; a container comes after its inner layers. */
  get paths() {
    return in_order(this.network.layers, "");
  }

  /** Return the output of a layer, or the image, {shape: [1, ...], data}. */
  values(path) {
    return path === INPUT ? this.image : this.steps.get(path).Y;
  }

  /** Return dL/dY of a layer, or dL/dX of the image. */
  slopes(path) {
    return path === INPUT ? this.back.get("0").dX : this.back.get(path).dY;
  }

  /** Note which layer reads which output, for a sequence of layers whose input comes from `source`. */
  connect(layers, source, parent, prefix) {
    layers.forEach((layer, i) => {
      const path = `${prefix}${i}`, step = this.steps.get(path);
      step.source = source;
      step.parts = [];
      this.users.set(path, []);
      if (layer instanceof Sequential) {
        this.connect(layer.layers, source, path, `${path}.`);
      } else if (layer instanceof Residual) {
        this.connect(layer.body, source, path, `${path}.body.`);
        this.connect(layer.shortcut, source, path, `${path}.shortcut.`);
      } else {
        this.users.get(source).push({ path, kind: "layer" });
      }
      source = path;
    });
    this.users.get(source).push(parent === null ? { kind: "loss" } : { path: parent, kind: "sum" });
    if (parent !== null) this.steps.get(parent).parts.push(source);
  }
}

function in_order(layers, prefix) {
  return layers.flatMap((layer, i) => {
    const path = `${prefix}${i}`;
    return [
      ...in_order(layer.layers ?? [], `${path}.`),
      ...in_order(layer.body ?? [], `${path}.body.`),
      ...in_order(layer.shortcut ?? [], `${path}.shortcut.`),
      path,
    ];
  });
}

/** Return the gradient of each parameter by its full name. */
function gradients_of(back) {
  const found = {};
  for (const [path, { layer, gradients }] of back) {
    if (layer instanceof Sequential || layer instanceof Residual) continue; // listed layer by layer
    for (const [name, value] of Object.entries(gradients)) found[`${path}.${name}`] = value;
  }
  return found;
}
