/** Calibration of probabilities by temperature scaling, with a threshold for confident answers. */

import { map } from "./array.js";
import { ModelError, text } from "./errors.js";
import { softmax } from "./losses.js";

// The fields with their values for a plain softmax, and the smallest and the largest value of each.
const FIELDS = {
  temperature: [1, 0.01, 100],
  threshold: [0, 0, 1],
  precision: [null, 0, 1],
  coverage: [1, 0, 1],
  error_before: [0, 0, 1],
  error: [0, 0, 1],
  images: [0, 0, Infinity],
};

/**
 * Temperature scaling, fitted to images that the network was not trained on.
 *
 * The probabilities of a network are often higher than its accuracy. Dividing the logits by a single
 * number, the temperature T, corrects this without changing the order of the classes:
 *
 *     p_k = exp(z_k / T) / sum of exp(z_j / T)
 *
 * C. Guo et al. 2017, "On calibration of modern neural networks", section 4.2.
 *
 * The fields have the names that they have in a model file. `threshold` is the lowest probability of
 * a confident answer. If it is 0, every answer is confident.
 */
export class Calibration {
  constructor(fields = {}) {
    for (const [name, [usual, least, most]] of Object.entries(FIELDS)) {
      const value = name in fields ? fields[name] : usual;
      const is_number = typeof value === "number" && least <= value && value <= most;
      if (!is_number && !(name === "precision" && value === null)) {
        throw new ModelError(`${name} of a calibration cannot be ${text(value)}`);
      }
      this[name] = value;
    }
  }

  /** Rebuild a calibration from its description in a model file. */
  static from_json(described) {
    const [known, found] = [Object.keys(FIELDS), Object.keys(Object(described))];
    if (found.length !== known.length || !known.every((name) => found.includes(name))) {
      throw new ModelError(`a calibration must have the entries ${known.join(", ")}`);
    }
    return new Calibration(described);
  }

  /**
   * Return the calibrated probabilities (N, K) of logits Z (N, K). For a network of dtype "float32"
   * they are rounded to float32, as in Python.
   */
  probabilities(Z, dtype = "float64") {
    const round = dtype === "float32" ? Math.fround : (x) => x;
    const T = round(this.temperature);
    return map(softmax(map(Z, (z) => z / T)), round);
  }

  /** Return whether the answer with the largest probability p is confident: p >= threshold. */
  is_confident(p) {
    return p >= this.threshold;
  }
}
