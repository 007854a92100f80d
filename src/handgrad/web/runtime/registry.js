/** The layers, losses and optimizers by name, and how to build layers from their description. */

import { LeakyReLU, ReLU, SiLU, Sigmoid, Tanh } from "./activation.js";
import { Residual, Sequential } from "./chain.js";
import { Conv2d } from "./conv.js";
import { Dense } from "./dense.js";
import { Dropout, Dropout2d } from "./dropout.js";
import { ModelError, text } from "./errors.js";
import { SoftmaxCrossEntropy } from "./losses.js";
import { BatchNorm, Normalize } from "./norm.js";
import { Adam, AdamW, Momentum, SGD } from "./optim.js";
import { AvgPool2d, GlobalAvgPool2d, MaxPool2d } from "./pool.js";
import { Flatten } from "./shape.js";

/** Each layer's class by its name in the model file. */
export const LAYERS = {
  AvgPool2d,
  BatchNorm,
  Conv2d,
  Dense,
  Dropout,
  Dropout2d,
  Flatten,
  GlobalAvgPool2d,
  LeakyReLU,
  MaxPool2d,
  Normalize,
  ReLU,
  Residual,
  Sequential,
  SiLU,
  Sigmoid,
  Tanh,
};

export const LOSSES = { SoftmaxCrossEntropy };

export const OPTIMIZERS = { SGD, Momentum, Adam, AdamW };

/**
 * Build a layer from its description in the model file, such as {kind: "Conv2d", channels: 10,
 * kernel: 5}. A field that contains descriptions of other layers is built as well.
 *
 * The field `initializer` is ignored: the weights are in the file. A missing or an unknown field is
 * an error.
 */
export function build_layer(description) {
  const { kind, initializer, ...fields } = description ?? {};
  if (typeof kind !== "string" || !Object.hasOwn(LAYERS, kind)) {
    throw new ModelError(`there is no layer ${text(kind)}`);
  }
  for (const name of ["layers", "body", "shortcut"]) {
    if (fields[name] !== undefined) fields[name] = build_layers(fields[name]);
  }
  const layer = new LAYERS[kind](fields);
  for (const name of Object.keys(fields)) {
    if (!Object.hasOwn(layer, name)) throw new ModelError(`${kind} has no setting ${text(name)}`);
  }
  for (const [name, value] of Object.entries(layer)) {
    if (value === undefined) throw new ModelError(`${kind} needs the setting ${name}`);
  }
  return layer;
}

/** Build a list of layers from their descriptions. */
export function build_layers(descriptions) {
  if (!Array.isArray(descriptions)) throw new ModelError("the layers must be a list");
  return descriptions.map(build_layer);
}
