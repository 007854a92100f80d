/**
 * Iterators over the layers of a network, in a forward pass or a backward pass.
 *
 * A layer's `path` is its position, such as "3", or "8.body.0" for a layer inside another layer.
 */

import { Residual, Sequential } from "./chain.js";
import { context, inside } from "./layer.js";

/**
 * Run a forward pass, and yield {path, name, layer, params, X, Y, cache} for each layer.
 *
 * With `inner`, the layers nested inside a layer are also yielded, after the layer that contains
 * them; they are computed twice.
 */
export function* walk(layers, params, X, ctx, { inner = false, prefix = "" } = {}) {
  for (let index = 0; index < layers.length; index++) {
    const layer = layers[index], own = params[index], path = `${prefix}${index}`;
    const here = inside(ctx, index), [Y, cache] = layer.forward(own, X, here);
    yield { path, name: name_of(path, layer), layer, params: own, X, Y, cache };
    if (inner) {
      for (const branch of branches(path, layer, own, cache, here)) {
        yield* walk(branch.layers, branch.params, X, branch.ctx, { inner, prefix: branch.prefix });
      }
    }
    X = Y;
  }
}

/**
 * Run a backward pass, and yield {path, name, layer, dY, dX, gradients}, starting at the last layer.
 *
 * `caches` has the caches of the layers from the forward pass, in order, and dY is the gradient of
 * the loss with respect to the output of the last layer.
 */
export function* walk_back(layers, params, caches, dY, { inner = false, prefix = "" } = {}) {
  for (let index = layers.length - 1; index >= 0; index--) {
    const layer = layers[index], own = params[index], path = `${prefix}${index}`;
    const cache = caches[index], [dX, gradients] = layer.backward(own, cache, dY);
    yield { path, name: name_of(path, layer), layer, dY, dX, gradients };
    if (inner) {
      for (const branch of branches(path, layer, own, cache, context())) {
        const options = { inner, prefix: branch.prefix };
        yield* walk_back(branch.layers, branch.params, branch.caches, dY, options);
      }
    }
    dY = dX;
  }
}

/** Return a map from the path of each layer to what `walk` or `walk_back` yielded for it. */
export function by_path(steps) {
  return new Map([...steps].map((step) => [step.path, step]));
}

/** Return a layer's name for messages and tables, such as "2 (Dense)". */
function name_of(path, layer) {
  return `${path} (${layer.constructor.name})`;
}

/** Return the branches of a layer that contains other layers, or none; each takes the input X. */
function branches(path, layer, params, cache, ctx) {
  if (layer instanceof Sequential) {
    return [{ prefix: `${path}.`, layers: layer.layers, params, caches: cache, ctx }];
  }
  if (layer instanceof Residual) {
    return ["body", "shortcut"].map((name, index) => ({
      prefix: `${path}.${name}.`,
      layers: layer[name],
      params: params[name],
      caches: cache[index],
      ctx: inside(ctx, index),
    }));
  }
  return [];
}
