/** A network: layers with their arrays, from images to logits and back. */

import { array, map } from "./array.js";
import { Sequential } from "./chain.js";
import { DataError, ModelError, check_integer, shape_text, text } from "./errors.js";
import { context } from "./layer.js";
import { SoftmaxCrossEntropy } from "./losses.js";
import { walk, walk_back } from "./walk.js";

/**
 * A sequence of layers that ends in one logit per class.
 *
 *     const [logits, cache] = network.forward(images);
 *     const [loss, dlogits] = new SoftmaxCrossEntropy().value_and_gradient(logits, labels);
 *     const gradients = network.backward(cache, dlogits);     // gradients["0.weight"], ...
 *
 * Attributes:
 * - layers: the layers.
 * - shape: the shape of one image, [C, H, W].
 * - classes: the number of classes, K.
 * - dtype: "float32" or "float64", the type of the arrays in Python. Images of a float32 network are
 *   rounded to float32, as in Python; all other numbers here are in double precision.
 * - params: the arrays as a tree, in the form that `Sequential` takes.
 * - arrays: the same arrays by their full names, such as "8.body.0.weight".
 */
export class Network {
  /**
   * Create a network. `arrays` has the values of all arrays by name, each {shape, data}; an array
   * whose data is a Float64Array is used without a copy.
   */
  constructor({ layers, shape, classes, dtype = "float64" }, arrays) {
    check_integer("classes", classes, 2);
    if (!Array.isArray(shape) || shape.length === 0) {
      throw new ModelError(`the shape must be a list such as [1, 28, 28], not ${text(shape)}`);
    }
    for (const length of shape) check_integer("each size of the shape", length, 1);
    if (dtype !== "float32" && dtype !== "float64") {
      throw new ModelError(`dtype must be float32 or float64, not ${text(dtype)}`);
    }
    if (layers.length === 0) throw new ModelError("a network needs at least one layer");
    Object.assign(this, { layers, shape, classes, dtype });

    const [shapes, output] = this.sequential.shapes(shape);
    if (output.length !== 1 || output[0] !== classes) {
      throw new ModelError(
        `the network ends in ${shape_text(output)}, but needs one logit for each of ` +
          `the ${classes} classes; end it with Dense`,
      );
    }
    check_arrays(flatten(shapes), arrays);
    this.params = tree_of(shapes, arrays);
    this.arrays = flatten(this.params);
  }

  /** The layers as one layer. */
  get sequential() {
    return new Sequential({ layers: this.layers });
  }

  /** The learned arrays by name, without the buffers. */
  get parameters() {
    const buffers = new Set(this.sequential.buffers);
    return Object.fromEntries(Object.entries(this.arrays).filter(([name]) => !buffers.has(name)));
  }

  /** Run the forward pass of images, layer by layer: see `walk`. */
  walk(images, ctx = context(), options = {}) {
    return walk(this.layers, this.params, this.as_input(images), ctx, options);
  }

  /** Run the backward pass, layer by layer, from last to first: see `walk_back`. */
  walk_back(cache, dlogits, options = {}) {
    return walk_back(this.layers, this.params, cache, dlogits, options);
  }

  /** Return the logits (N, K) of images (N, C, H, W), and the cache for `backward`. */
  forward(images, ctx = context()) {
    return this.sequential.forward(this.params, this.as_input(images), ctx);
  }

  /** Return the gradient of each parameter by name, given that of the logits (N, K). */
  backward(cache, dlogits) {
    return flatten(this.sequential.backward(this.params, cache, dlogits)[1]);
  }

  /** Return the loss of a batch, and its gradient with respect to each parameter, by name. */
  loss_and_grads(images, labels, settings = {}) {
    const { loss = new SoftmaxCrossEntropy(), weights = null } = settings;
    const [logits, cache] = this.forward(images, settings.ctx ?? context({ training: true }));
    const [value, dlogits] = loss.value_and_gradient(logits, labels, weights);
    return [value, this.backward(cache, dlogits)];
  }

  /** Update the buffers, such as running statistics, from the `cache` of a training step. */
  update_buffers(cache) {
    const updated = flatten(this.sequential.update_buffers(this.params, cache));
    for (const [name, values] of Object.entries(updated)) {
      this.arrays[name].data.set(values.data);
    }
  }

  /**
   * Return images {shape, data} as input of the first layer: values 0..255 of type Uint8Array or
   * Uint8ClampedArray become 0..1, floating-point values stay unchanged.
   */
  as_input(images) {
    const { shape, data } = images, [N, ...image] = shape;
    if (image.join() !== this.shape.join() || shape.length !== this.shape.length + 1) {
      const wanted = ["N", ...this.shape].join(", ");
      throw new DataError(`the network takes images (${wanted}), not an array of (${shape})`);
    }
    const round = this.dtype === "float32" ? Math.fround : (x) => x;
    const is_bytes = data instanceof Uint8Array || data instanceof Uint8ClampedArray;
    const scale = is_bytes ? round(1 / 255) : 1;
    const X = array(shape, data);
    if (!X.data.every(Number.isFinite)) {
      throw new DataError("an image contains NaN or infinity; check how the images were computed");
    }
    return map(X, (x) => round(x * scale));
  }
}

/** Return the leaves of a tree by their full names, such as "3.body.0.weight". */
export function flatten(tree, prefix = "") {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([name, value]) =>
      is_leaf(value) ? [[prefix + name, value]] : Object.entries(flatten(value, `${prefix}${name}.`)),
    ),
  );
}

/** Return the tree with the structure of `shapes` that contains the given arrays. */
function tree_of(shapes, arrays, prefix = "") {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, value]) => {
      const full_name = prefix + name;
      if (!is_leaf(value)) return [name, tree_of(value, arrays, `${full_name}.`)];
      return [name, array(value, arrays[full_name].data)];
    }),
  );
}

/** Return whether a value is an array or a shape, and not a tree of them. */
function is_leaf(value) {
  return Array.isArray(value) || value.data !== undefined;
}

/** Throw a ModelError unless the arrays have the expected names and shapes, and finite values. */
function check_arrays(shapes, arrays) {
  const names = [...new Set([...Object.keys(shapes), ...Object.keys(arrays)])].sort();
  for (const name of names) {
    if (!Object.hasOwn(arrays, name)) throw new ModelError(`array ${name} is missing`);
    if (!Object.hasOwn(shapes, name)) throw new ModelError(`array ${name} is not in this network`);
    const { shape, data } = arrays[name];
    if (shape.join() !== shapes[name].join()) {
      throw new ModelError(
        `array ${name} has shape ${shape_text(shape)}, but must be ${shape_text(shapes[name])}`,
      );
    }
    if (!data.every(Number.isFinite)) {
      throw new ModelError(`array ${name} contains NaN or infinity`);
    }
  }
}
