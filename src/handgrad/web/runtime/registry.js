/** The layers, losses and optimizers by name, and how to build layers from their description. */

import * as activation from "./activation.js";
import * as chain from "./chain.js";
import * as conv from "./conv.js";
import * as dense from "./dense.js";
import * as dropout from "./dropout.js";
import { ModelError, text } from "./errors.js";
import { SoftmaxCrossEntropy } from "./losses.js";
import * as norm from "./norm.js";
import { Adam, AdamW, Momentum, SGD } from "./optim.js";
import * as pool from "./pool.js";
import * as shape from "./shape.js";

/** Each layer's class by its name in the model file: these modules export nothing but layers. */
export const LAYERS = {
  ...activation,
  ...chain,
  ...conv,
  ...dense,
  ...dropout,
  ...norm,
  ...pool,
  ...shape,
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
