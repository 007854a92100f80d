/**
 * The out-of-distribution score, which is high for images unlike the training images.
 *
 * The score of an image x with logits z adds two standardized numbers:
 *
 *     s(x) = (log d²(h) - m₁) / s₁ + w (E(z) - m₂) / s₂
 *
 *     d²(h)                        the distance of its edges h to the class of the answer
 *     E(z) = -log Σₖ exp zₖ        the energy of its logits
 *
 * The edges h are square roots of the mean slopes in 8 directions, in at most 7x7 cells of the image.
 * Each class is a normal distribution of h: its covariance has the R largest variances v along the
 * orthonormal directions U, and the variance ε along all others. With c = U (h - μ),
 *
 *     d²(h) = Σᵣ cᵣ² / (vᵣ + ε) + (‖h - μ‖² - ‖c‖²) / ε
 *
 * W. Liu et al. 2020, "Energy-based out-of-distribution detection"; M. Tipping and C. Bishop 1999,
 * "Probabilistic principal component analysis".
 */

import { example } from "./array.js";
import { ModelError, text } from "./errors.js";

const DIRECTIONS = 8;
const CELLS = 7;
const TINY = 2 ** -126; // the smallest normal float32, so that log d² is finite

/**
 * The parameters and the threshold of an out-of-distribution score.
 *
 * - means: μ of each class, (K, P).
 * - directions: U of each class, (K, R, P).
 * - variances: v of each class, (K, R).
 * - noise: ε, (1,).
 * - scaling: m₁, s₁, m₂ and s₂ / w, (4,).
 * - threshold: the highest score of an image like the training images, (1,).
 */
export class OodScore {
  constructor(arrays) {
    Object.assign(this, arrays);
  }

  /**
   * Build a score from its description and its arrays in a model file; `arrays` has them by their
   * names without "ood.". Throws a ModelError if they do not describe a score for the network.
   */
  static from_json(described, arrays, network) {
    if (Object(described).kind !== "edges and energy") {
      throw new ModelError(
        `its out-of-distribution score is of the unknown kind ${text(described?.kind)}`,
      );
    }
    if (network.shape.length !== 3) {
      throw new ModelError("an out-of-distribution score needs a network for images (C, H, W)");
    }
    const K = network.classes;
    const { high, wide } = cells_of(network.shape);
    const P = DIRECTIONS * high * wide;
    const R = arrays.directions?.shape[1] ?? 0;
    const shapes = {
      means: [K, P],
      directions: [K, R, P],
      variances: [K, R],
      noise: [1],
      scaling: [4],
      threshold: [1],
    };
    for (const [name, shape] of Object.entries(shapes)) {
      const found = arrays[name];
      if (found?.shape.join() !== shape.join() || !found.data.every(Number.isFinite)) {
        throw new ModelError(`ood.${name} must be an array of shape (${shape}), and finite`);
      }
    }
    const { noise, variances, scaling } = arrays;
    if (noise.data[0] <= 0 || variances.data.some((v) => v < 0)) {
      throw new ModelError("a variance of its out-of-distribution score is below 0");
    }
    if (scaling.data[1] <= 0 || scaling.data[3] <= 0) {
      throw new ModelError("a scale of its out-of-distribution score is not positive");
    }
    return new OodScore(arrays);
  }

  /**
   * Return the score s of each image as a list. X are inputs of the network's first layer,
   * (N, C, H, W), and Z the logits of the network for them, (N, K).
   */
  scores(X, Z) {
    return Array.from({ length: X.shape[0] }, (_, n) => {
      const z = example(Z, n).data;
      const d2 = this.distance(edges(example(X, n)), z.indexOf(Math.max(...z)));
      return this.combined(Math.log(d2), energy(z));
    });
  }

  /** Return whether an image with the score s is unlike the training images. */
  is_unlike(s) {
    return s > this.threshold.data[0];
  }

  /** Return the score s of an image with the distance log d² and the energy E. */
  combined(log_d, E) {
    const [center, spread, energy_center, energy_spread] = this.scaling.data;
    return (log_d - center) / spread + (E - energy_center) / energy_spread;
  }

  /** Return the distance d² between the edges h of an image, (P,), and class k. */
  distance(h, k) {
    const [, R, P] = this.directions.shape;
    const noise = this.noise.data[0];
    const [means, U] = [example(this.means, k).data, example(this.directions, k).data];
    const variances = example(this.variances, k).data;
    const difference = h.map((value, p) => value - means[p]);
    let rest = difference.reduce((sum, value) => sum + value * value, 0);
    let d2 = 0;
    for (let r = 0; r < R; r++) {
      let c = 0;
      for (let p = 0; p < P; p++) c += U[r * P + p] * difference[p];
      d2 += (c * c) / (variances[r] + noise);
      rest -= c * c;
    }
    return Math.max(d2 + Math.max(rest, 0) / noise, TINY);
  }
}

/** Return the energy -log Σₖ exp zₖ of the logits z of an image. */
export function energy(z) {
  const largest = Math.max(...z);
  return -(largest + Math.log(z.reduce((sum, value) => sum + Math.exp(value - largest), 0)));
}

/** Return the side of a square cell in pixels, and the number of rows and columns of cells. */
function cells_of([, H, W]) {
  const cell = Math.ceil(Math.max(H, W) / CELLS);
  return { cell, high: Math.ceil(H / cell), wide: Math.ceil(W / cell) };
}

/**
 * Return the edges h of an image (C, H, W), a Float64Array of P numbers.
 *
 * The mean over the channels is filtered with the two Sobel filters; outside the image it is 0:
 *
 *     Gx = | -1 0 1 |        Gy = | -1 -2 -1 |
 *          | -2 0 2 |             |  0  0  0 |
 *          | -1 0 1 |             |  1  2  1 |
 *
 * The slope in the direction (cos α, sin α) is max(0, Gx cos α + Gy sin α) for 8 angles α. The image
 * is divided into square cells of equal size, at most 7 along each side. h holds the square root of
 * the mean slope, divided by 8, of each direction and cell.
 */
export function edges(X) {
  const [, H, W] = X.shape;
  const { cell, high, wide } = cells_of(X.shape);
  const x = padded_mean(X);
  const h = new Float64Array(DIRECTIONS * high * wide);
  const half = DIRECTIONS / 2; // the slope in the opposite direction is max(0, -g)
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      const [above, here, below] = [0, 1, 2].map((k) => (i + k) * (W + 2) + j); // to the left
      const right = x[above + 2] + 2 * x[here + 2] + x[below + 2];
      const gx = right - (x[above] + 2 * x[here] + x[below]);
      const bottom = x[below] + 2 * x[below + 1] + x[below + 2];
      const gy = bottom - (x[above] + 2 * x[above + 1] + x[above + 2]);
      const at = Math.floor(i / cell) * wide + Math.floor(j / cell);
      const diagonal = Math.SQRT1_2;
      const slopes = [gx, (gx + gy) * diagonal, gy, (gy - gx) * diagonal];
      for (let k = 0; k < half; k++) {
        const direction = slopes[k] > 0 ? k : k + half;
        h[direction * high * wide + at] += Math.abs(slopes[k]);
      }
    }
  }
  return h.map((sum) => Math.sqrt(sum / (8 * cell * cell)));
}

/** Return the mean over the channels of an image (C, H, W), with zeros around it. */
function padded_mean({ shape: [C, H, W], data }) {
  const x = new Float64Array((H + 2) * (W + 2));
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum += data[(c * H + i) * W + j];
      x[(i + 1) * (W + 2) + j + 1] = sum / C;
    }
  }
  return x;
}
