/**
 * The out-of-distribution score, which is high for images unlike the training images.
 *
 * The score of an image x with logits z adds two standardized numbers:
 *
 *     s(x) = (log d²(h) - m₁) / s₁ + w max(0, E(z) - m₂) / s₂
 *
 *     d²(h)                        the distance of its edges h to the class of the answer
 *     E(z) = -log Σₖ exp zₖ        the energy of its logits
 *
 * An energy below m₂, the mean energy of validation images, does not change the score: some networks
 * have very low energies for noise, which would make up for any distance.
 *
 * The edges h are square roots of the mean slopes in 8 directions, in at most 7x7 overlapping cells of
 * the image. Each class is a normal distribution of h: its covariance has the R largest variances v
 * along the orthonormal directions U, and the variance ε along all others. With c = U (h - μ),
 *
 *     d²(h) = Σᵣ cᵣ² / (vᵣ + ε) + (‖h - μ‖² - ‖c‖²) / ε
 *
 * W. Liu et al. 2020, "Energy-based out-of-distribution detection"; M. Tipping and C. Bishop 1999,
 * "Probabilistic principal component analysis".
 */

import { add_AB, add_ABt, example, zeros } from "./array.js";
import { ModelError, text } from "./errors.js";

const DIRECTIONS = 8;
const CELLS = 7;
const KIND = "overlapping edges and high energy";
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
 * - dtype: "float32" or "float64", the type of the network's input.
 */
export class OodScore {
  constructor(arrays, dtype = "float32") {
    Object.assign(this, arrays, { dtype });
  }

  /**
   * Build a score from its description and its arrays in a model file; `arrays` has them by their
   * names without "ood.". Throws a ModelError if they do not describe a score for the network.
   */
  static from_json(described, arrays, network) {
    if (Object(described).kind !== KIND) {
      throw new ModelError(
        `its out-of-distribution score is of the kind ${text(described?.kind)}, but this page reads ` +
          `only ${text(KIND)}; train the model again`,
      );
    }
    if (network.shape.length !== 3) {
      throw new ModelError("an out-of-distribution score needs a network for images (C, H, W)");
    }
    const K = network.classes;
    const P = edges(zeros(network.shape), network.dtype).length;
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
    return new OodScore(arrays, network.dtype);
  }

  /**
   * Return the score s of each image as a list. X are inputs of the network's first layer,
   * (N, C, H, W), and Z the logits of the network for them, (N, K).
   */
  scores(X, Z) {
    return Array.from({ length: X.shape[0] }, (_, n) => {
      const z = example(Z, n).data;
      const d2 = this.distance(edges(example(X, n), this.dtype), z.indexOf(Math.max(...z)));
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
    return (log_d - center) / spread + Math.max(E - energy_center, 0) / energy_spread;
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

/**
 * Return the edges h of an image (C, H, W), a Float64Array of P numbers.
 *
 * The mean over the channels is filtered with the two Sobel filters; outside the image it is 0:
 *
 *     Gx = | -1 0 1 |        Gy = | -1 -2 -1 |
 *          | -2 0 2 |             |  0  0  0 |
 *          | -1 0 1 |             |  1  2  1 |
 *
 * The slope in the direction (cos α, sin α) is max(0, Gx cos α + Gy sin α) / 8 for 8 angles α. The
 * image is divided into square cells of equal size, at most 7 along each side. With the weights A
 * of the rows and B of the columns (see `weights`), the mean slopes S of the cells are A S Bᵀ, and
 * h are their square roots.
 *
 * Slopes are rounded to float32 as in Python: a square root enlarges a rounding error beside 0.
 */
export function edges(X, dtype = "float32") {
  const [, H, W] = X.shape;
  const cell = Math.ceil(Math.max(H, W) / CELLS);
  const [A, B] = [weights(H, cell), weights(W, cell)];
  const [high, wide] = [A.shape[0], B.shape[0]];
  const h = new Float64Array(DIRECTIONS * high * wide);
  slopes(padded_mean(X, dtype), H, W).forEach((S, k) => {
    const rows = zeros([high, W]);
    const means = zeros([high, wide]);
    add_AB(rows, A, S);
    add_ABt(means, rows, B);
    const scale = (k % 2 ? Math.SQRT1_2 : 1) / 8; // odd directions lie between the axes
    means.data.forEach((mean, at) => (h[k * high * wide + at] = Math.sqrt(mean * scale)));
  });
  return h;
}

/**
 * Return the weights of pixels for the means of cells along one side, (cells, length).
 *
 * With cells of b pixels, pixel r has the weight max(0, 1 - |(r + 1/2) / b - 1/2 - i|) / b for cell i,
 * so that neighbouring cells overlap.
 */
function weights(length, b) {
  const A = zeros([Math.ceil(length / b), length]);
  for (let at = 0; at < A.data.length; at++) {
    const i = Math.floor(at / length);
    const distance = Math.abs((at - i * length + 0.5) / b - 0.5 - i);
    A.data[at] = Math.fround(Math.max(1 - distance, 0) / b);
  }
  return A;
}

/**
 * Return the slopes in 8 directions as arrays (H, W), given an image x with zeros around it. They
 * are not divided by 8, and those between the axes not by the square root of 2.
 */
function slopes(x, H, W) {
  const S = Array.from({ length: DIRECTIONS }, () => zeros([H, W]));
  const half = DIRECTIONS / 2; // the slope in the opposite direction is max(0, -g)
  const smooth = (first, step) =>
    Math.fround(Math.fround(x[first] + x[first + 2 * step]) + 2 * x[first + step]);
  for (let i = 0, at = 0; i < H; i++) {
    for (let j = 0; j < W; j++, at++) {
      const corner = i * (W + 2) + j; // above and to the left of pixel (i, j)
      const gx = Math.fround(smooth(corner + 2, W + 2) - smooth(corner, W + 2));
      const gy = Math.fround(smooth(corner + 2 * (W + 2), 1) - smooth(corner, 1));
      [gx, Math.fround(gx + gy), gy, Math.fround(gy - gx)].forEach((g, k) => {
        S[g > 0 ? k : k + half].data[at] = Math.abs(g);
      });
    }
  }
  return S;
}

/** Return the mean over the channels of an image (C, H, W) in float32, with zeros around it. */
function padded_mean({ shape: [C, H, W], data }, dtype) {
  const round = dtype === "float32" ? Math.fround : (x) => x;
  const x = new Float64Array((H + 2) * (W + 2));
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < W; j++) {
      let sum = 0;
      for (let c = 0; c < C; c++) sum = round(sum + data[(c * H + i) * W + j]);
      x[(i + 1) * (W + 2) + j + 1] = Math.fround(sum / C);
    }
  }
  return x;
}
