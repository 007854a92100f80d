// The proof of a gradient: the loss with one weight a little larger and a little smaller.

import { context } from "../../runtime/layer.js";

export const STEPS = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];
const FIRST = 1e-4; // the largest h that is tried automatically

/**
 * Return how the loss changes with one weight: {h, plus, minus, slope, gradient, difference, kinks}.
 *
 * - plus and minus: the loss with the weight w + h and w − h; slope: (plus − minus) / 2h.
 * - gradient: what the backward pass computed; difference: |slope − gradient|, relative to the larger.
 * - kinks: the number of ReLUs and windows of max pooling that switch between the two points. There the
 *   loss has a kink, and the slope is a mean of two slopes.
 *
 * If h is null, it is the largest of `STEPS` from `FIRST` on without kinks, or the smallest of all.
 */
export function prove(trace, array, index, h = null) {
  const tried = h === null ? STEPS.filter((step) => step <= FIRST) : [h];
  let found = null;
  for (const step of tried) {
    found = compare(trace, array, index, step);
    if (found.kinks === 0) break;
  }
  return found;
}

function compare(trace, array, index, h) {
  const { network, image, label } = trace, { data } = network.arrays[array], before = data[index];
  const at = (value) => {
    data[index] = value;
    try {
      return losses_and_sides(network, image, label);
    } finally {
      data[index] = before;
    }
  };
  const plus = at(before + h), minus = at(before - h);
  const slope = (plus.loss - minus.loss) / (before + h - (before - h));
  const gradient = trace.gradients[array].data[index];
  const larger = Math.max(Math.abs(slope), Math.abs(gradient));
  const difference = larger === 0 ? 0 : Math.abs(slope - gradient) / larger;
  const kinks = plus.sides.reduce((sum, side, i) => sum + Number(side !== minus.sides[i]), 0);
  return { h, value: before, plus: plus.loss, minus: minus.loss, slope, gradient, difference, kinks };
}

/** Return the loss, and for each ReLU its side and for each window of max pooling its winner. */
function losses_and_sides(network, image, label) {
  const sides = [];
  let logits = null;
  for (const { path, layer, X, Y, cache } of network.walk(image, context(), { inner: true })) {
    const kind = layer.constructor.name;
    if (kind === "ReLU" || kind === "LeakyReLU") for (const x of X.data) sides.push(x > 0);
    if (kind === "MaxPool2d") for (const winner of cache.argmax) sides.push(winner);
    if (!path.includes(".")) logits = Y;
  }
  return { loss: exact_loss(logits.data, label), sides };
}

/**
 * The cross-entropy −log p[label] = log(1 + Σ exp(z[k] − z[label])), over the other classes k.
 * Unlike log Σ exp z, this keeps all digits of a loss that is almost 0.
 */
export function exact_loss(logits, label) {
  const others = logits.filter((_, k) => k !== label).map((z) => z - logits[label]);
  const largest = Math.max(0, ...others);
  const sum = others.reduce((total, d) => total + Math.exp(d - largest), 0);
  return largest === 0 ? Math.log1p(sum) : largest + Math.log(Math.exp(-largest) + sum);
}
