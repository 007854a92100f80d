/** Loss functions, each of which measures the error of a batch of logits as a single number. */

import { map, zeros } from "./array.js";
import { ConfigError, DataError, in_range, text } from "./errors.js";

/**
 * Softmax and cross-entropy in one function, which avoids overflow and the logarithm of zero.
 *
 *     log p = Z − log Σₖ exp Zₖ        Z (N, K) logits, y (N,) classes 0..K−1
 *
 *     q = (1 − ε) onehot(y) + ε/K      L = Σₙ wₙ (−Σₖ qₙₖ log pₙₖ) / Σₙ wₙ
 *
 *     dZ = wₙ (p − q) / Σₙ wₙ
 *
 * The maximum of each row is subtracted from Z first, which changes neither p nor the loss.
 * A batch whose weights are all zero has L = 0 and dZ = 0.
 *
 * Settings: label_smoothing, ε, the fraction of each target that is spread over all classes;
 * class_weights, one weight per class, which multiplies the weight of each example of that class, or
 * null for equal weights.
 */
export class SoftmaxCrossEntropy {
  constructor({ label_smoothing = 0, class_weights = null } = {}) {
    if (!in_range(label_smoothing, 0, 1)) {
      throw new ConfigError(
        `label_smoothing must be at least 0 and below 1, not ${text(label_smoothing)}`,
      );
    }
    check_weights("class_weights", class_weights ?? []);
    Object.assign(this, { label_smoothing, class_weights });
  }

  /**
   * Return the loss of a batch, and dZ (N, K), its gradient with respect to the logits.
   *
   * Z is an array (N, K) of logits, y a list of N integers 0..K−1, and `weights` a list of one
   * number per example, or null for equal weights.
   */
  value_and_gradient(Z, y, weights = null) {
    const [N, K] = Z.shape, smooth = this.label_smoothing;
    check_labels(y, N, K);
    const log_p = log_softmax(Z), dZ = zeros([N, K]), w = this.weigh(y, weights, K);
    const total = w.reduce((sum, weight) => sum + weight, 0) || 1;
    let loss = 0;
    for (let n = 0; n < N; n++) {
      const share = w[n] / total;
      for (let k = 0; k < K; k++) {
        const q = smooth / K + (k === Number(y[n]) ? 1 - smooth : 0), log = log_p.data[n * K + k];
        loss -= share * q * log;
        dZ.data[n * K + k] = share * (Math.exp(log) - q);
      }
    }
    return [loss, dZ];
  }

  /** Return the weights wₙ of the examples, a list of N, before they are divided by their sum. */
  weigh(y, weights, classes) {
    const w = weights ?? new Float64Array(y.length).fill(1);
    if (w.length !== y.length) {
      throw new DataError(`weights must be ${y.length} numbers, one per image, not ${w.length}`);
    }
    check_weights("weights", w);
    if (this.class_weights === null) return Float64Array.from(w);
    if (this.class_weights.length !== classes) {
      throw new ConfigError(
        `there must be ${classes} class_weights, one per class, not ${this.class_weights.length}`,
      );
    }
    return Float64Array.from(w, (weight, n) => weight * this.class_weights[y[n]]);
  }
}

/** Throw a DataError unless y consists of N labels from 0 to K−1. */
export function check_labels(y, N, K) {
  if (y.length !== N) throw new DataError(`there must be ${N} labels, one per image, not ${y.length}`);
  for (const label of y) {
    if (!Number.isInteger(label) || label < 0 || label >= K) {
      throw new DataError(`labels must be 0 to ${K - 1} for ${K} logits, found ${text(label)}`);
    }
  }
}

/** Return log p (N, K) of logits Z (N, K). */
export function log_softmax(Z) {
  const [N, K] = Z.shape, log_p = zeros([N, K]);
  for (let n = 0; n < N; n++) {
    const row = Z.data.subarray(n * K, (n + 1) * K);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = row.reduce((sum, z) => sum + Math.exp(z - largest), 0);
    log_p.data.set(row.map((z) => z - largest - Math.log(total)), n * K);
  }
  return log_p;
}

/** Return the probabilities p (N, K) of logits Z (N, K). */
export function softmax(Z) {
  return map(log_softmax(Z), Math.exp);
}

function check_weights(name, weights) {
  for (const weight of weights) {
    if (!in_range(weight, 0, Infinity)) {
      throw new ConfigError(`${name} must be numbers of at least 0, not ${text(weight)}`);
    }
  }
}
