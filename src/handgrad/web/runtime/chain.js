/** Layers that contain other layers: a sequence, and a residual block. */

import { add } from "./array.js";
import { ModelError, shape_text } from "./errors.js";
import { inside } from "./layer.js";

/**
 * A sequence of layers that acts as one layer; its two loops implement the chain rule.
 *
 *     Y = fₗ(… f₂(f₁(X)))        dX = f₁'(f₂'(… fₗ'(dY)))
 *
 * The arrays of the i-th layer are stored under the name String(i).
 */
export class Sequential {
  constructor({ layers = [] } = {}) {
    this.layers = layers;
  }

  /** The names of all buffers; the names of nested layers are joined with dots. */
  get buffers() {
    return this.layers.flatMap((layer, index) =>
      (layer.buffers ?? []).map((name) => `${index}.${name}`),
    );
  }

  shapes(shape) {
    const arrays = {};
    this.layers.forEach((layer, index) => {
      try {
        [arrays[index], shape] = layer.shapes(shape);
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        const place = `layer ${index} (${layer.constructor.name}), given ${shape_text(shape)}`;
        throw new ModelError(`${place}: ${error.message}`);
      }
    });
    return [arrays, shape];
  }

  /** X -> Y, through the layers in order. */
  forward(params, X, ctx) {
    const caches = [];
    this.layers.forEach((layer, index) => {
      const [Y, cache] = layer.forward(params[index], X, inside(ctx, index));
      caches.push(cache);
      X = Y;
    });
    return [X, caches];
  }

  /** dY -> dX, through the layers in reverse. */
  backward(params, cache, dY) {
    const gradients = {};
    for (let index = this.layers.length - 1; index >= 0; index--) {
      const layer = this.layers[index];
      [dY, gradients[index]] = layer.backward(params[index], cache[index], dY);
    }
    return [dY, gradients];
  }

  /** Return the buffers of each layer after a training step. */
  update_buffers(params, cache) {
    const updated = {};
    this.layers.forEach((layer, index) => {
      if (layer.buffers) updated[index] = layer.update_buffers(params[index], cache[index]);
    });
    return updated;
  }
}

/**
 * A residual block: layers with a shortcut around them.
 *
 *     Y = body(X) + shortcut(X)        dX = body'(dY) + shortcut'(dY)
 *
 * Without layers in the shortcut, shortcut(X) is X.
 *
 * K. He et al. 2016, "Deep residual learning for image recognition", section 3.
 *
 * Settings: body, the layers that learn what to add to the shortcut; shortcut, layers that convert X
 * to the output shape of the body, if the shapes differ.
 */
export class Residual {
  constructor({ body, shortcut = [] }) {
    Object.assign(this, { body, shortcut });
  }

  /** The names of all buffers; the names of nested layers are joined with dots. */
  get buffers() {
    const { body, shortcut } = this.branches();
    return [
      ...body.buffers.map((name) => `body.${name}`),
      ...shortcut.buffers.map((name) => `shortcut.${name}`),
    ];
  }

  shapes(shape) {
    const { body, shortcut } = this.branches();
    const [body_arrays, output] = body.shapes(shape);
    const [shortcut_arrays, other] = shortcut.shapes(shape);
    if (shape_text(output) !== shape_text(other)) {
      throw new ModelError(
        `its body returns ${shape_text(output)} and its shortcut ${shape_text(other)}; ` +
          "make the two shapes equal",
      );
    }
    return [{ body: body_arrays, shortcut: shortcut_arrays }, output];
  }

  /** X -> Y. */
  forward(params, X, ctx) {
    const { body, shortcut } = this.branches();
    const [Y_body, body_cache] = body.forward(params.body, X, inside(ctx, 0));
    const [Y_shortcut, shortcut_cache] = shortcut.forward(params.shortcut, X, inside(ctx, 1));
    return [add(Y_body, Y_shortcut), [body_cache, shortcut_cache]];
  }

  /** dY -> dX. */
  backward(params, cache, dY) {
    const { body, shortcut } = this.branches();
    const [dX_body, body_gradients] = body.backward(params.body, cache[0], dY);
    const [dX_shortcut, shortcut_gradients] = shortcut.backward(params.shortcut, cache[1], dY);
    const gradients = { body: body_gradients, shortcut: shortcut_gradients };
    return [add(dX_body, dX_shortcut), gradients];
  }

  /** Return the buffers of the body and the shortcut after a training step. */
  update_buffers(params, cache) {
    const { body, shortcut } = this.branches();
    return {
      body: body.update_buffers(params.body, cache[0]),
      shortcut: shortcut.update_buffers(params.shortcut, cache[1]),
    };
  }

  /** Return the two branches, each as a sequence. */
  branches() {
    const [body, shortcut] = [this.body, this.shortcut];
    return { body: new Sequential({ layers: body }), shortcut: new Sequential({ layers: shortcut }) };
  }
}
