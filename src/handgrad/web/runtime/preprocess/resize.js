/**
 * Separable filters with integer weights: resizing and smoothing.
 *
 * A filter along one axis has one row of weights per output pixel. The weights of a row are integers
 * whose sum is exactly 2^15. An output pixel is floor((sum of weight * pixel + 2^14) / 2^15), limited
 * to 0..255, because a cubic filter has negative weights. The absolute value of any partial sum is
 * below 2^24, so that the sums fit into 32 bits.
 */

import { Pixels } from "./pixels.js";

const BITS = 15;

/** The sum of the weights of a row. */
export const ONE = 1 << BITS;

/**
 * Resize an image: an axis that shrinks is averaged, and one that grows is interpolated, linearly or
 * with cubic polynomials.
 */
export function resized(X, height, width, cubic = false) {
  if (X.height !== height) X = along_columns(X, resize_rows(X.height, height, cubic));
  if (X.width !== width) X = along_rows(X, resize_rows(X.width, width, cubic));
  return X;
}

/** Smooth an image with a triangular filter, which repeats the pixels at the edges. */
export function smoothed(X, radius) {
  const Y = along_columns(X, smooth_rows(X.height, radius));
  return along_rows(Y, smooth_rows(Y.width, radius));
}

/**
 * Return the weights that resize an axis of `size` pixels, one row {start, weights} per output
 * pixel: the first input pixel, and the weights of it and of the pixels that follow.
 *
 * The exact weights of a row are shares with the sum D. If the axis shrinks, the share of an input
 * pixel is the length that the output pixel covers of it. If it grows, see `interpolated`.
 */
export function resize_rows(size, count, cubic = false) {
  const rows = [];
  for (let i = 0; i < count; i++) {
    if (count > size) {
      rows.push(interpolated(i, size, count, cubic));
      continue;
    }
    const start = Math.floor((i * size) / count);
    const stop = Math.ceil(((i + 1) * size) / count);
    const shares = [];
    for (let j = start; j < stop; j++) {
      shares.push(Math.min((i + 1) * size, (j + 1) * count) - Math.max(i * size, j * count));
    }
    rows.push({ start, weights: quantized(shares) });
  }
  return rows;
}

/**
 * Return the weights of output pixel i, if an axis grows from `size` to `count` pixels.
 *
 * The centre of the output pixel lies at p = (2i + 1) size - count, in parts of 1 / b input pixels,
 * where b = 2 count. The share of an input pixel depends on its distance t = |p - b j|. A pixel outside
 * the image has the value of the nearest pixel inside, which therefore gets its share.
 */
function interpolated(i, size, count, cubic) {
  const b = 2 * count;
  const p = (2 * i + 1) * size - count;
  const reach = cubic ? 2 : 1;
  const inside = (j) => Math.min(Math.max(j, 0), size - 1);
  const first = Math.floor(p / b) + 1 - reach;
  const start = inside(first);
  const shares = new Array(inside(first + 2 * reach - 1) - start + 1).fill(0);
  for (let j = first; j < first + 2 * reach; j++) {
    const t = Math.abs(p - b * j);
    shares[inside(j) - start] += cubic ? cubic_share(t, b) : b - t;
  }
  return { start, weights: quantized(shares) };
}

/**
 * Return the share of a pixel at the distance t / b:
 *
 *     (b - t) (4b² + 4b t - 5t²)  if t <= b,    3 (b - t) (2b - t)²  if t > b
 *
 * R. Keys (1981), "Cubic convolution interpolation for digital image processing", with -3/4 as the
 * slope at distance 1, times 4b³.
 */
function cubic_share(t, b) {
  if (t <= b) return (b - t) * (4 * b * b + 4 * b * t - 5 * t * t);
  return 3 * (b - t) * (2 * b - t) * (2 * b - t);
}

/**
 * Return the weights of a triangular filter along an axis of `size` pixels.
 *
 * The share radius - |d| of the pixel i + d decreases linearly with the distance d.
 */
export function smooth_rows(size, radius) {
  const rows = [];
  for (let i = 0; i < size; i++) {
    const inside = (j) => Math.min(Math.max(j, 0), size - 1);
    const start = inside(i + 1 - radius);
    const shares = new Array(inside(i + radius - 1) - start + 1).fill(0);
    for (let d = 1 - radius; d < radius; d++) shares[inside(i + d) - start] += radius - Math.abs(d);
    rows.push({ start, weights: quantized(shares) });
  }
  return rows;
}

/**
 * Scale the shares of a row to integers with the sum `ONE`.
 *
 * The cumulative sums S are scaled and rounded, halves up; their differences are the weights:
 *
 *     w_j = round(2^15 S_j / D) - round(2^15 S_(j-1) / D)
 */
function quantized(shares) {
  const total = shares.reduce((sum, share) => sum + share);
  let [sum, before] = [0, 0];
  return Int32Array.from(shares, (share) => {
    sum += share;
    const now = scaled(sum, total);
    const weight = now - before;
    before = now;
    return weight;
  });
}

/**
 * Return round(2^15 S / D), halves up.
 *
 * In a cubic filter D can be 2^41, so that 2^16 S is not exact in float64. Therefore the quotient is
 * computed in three parts, as in a long division: its integer part, 8 bits and 7 bits.
 */
function scaled(S, D) {
  const whole = Math.floor(S / D);
  const rest = 256 * (S - whole * D);
  const bits = Math.floor(rest / D);
  return whole * ONE + bits * 128 + Math.floor((256 * (rest - bits * D) + D) / (2 * D));
}

/** Apply a filter along the columns of an image: each output row combines input rows. */
function along_columns(X, rows) {
  const { width, channels, data } = X;
  const length = width * channels;
  const Y = new Pixels(rows.length, width, channels);
  const sums = new Int32Array(length);
  for (let i = 0; i < rows.length; i++) {
    const { start, weights } = rows[i];
    sums.fill(ONE / 2);
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k];
      const at = (start + k) * length;
      if (weight) for (let j = 0; j < length; j++) sums[j] += weight * data[at + j];
    }
    for (let j = 0; j < length; j++) Y.data[i * length + j] = limited(sums[j] >> BITS);
  }
  return Y;
}

/** Apply a filter along the rows of an image: each output column combines input columns. */
function along_rows(X, rows) {
  const { height, width, channels, data } = X;
  const Y = new Pixels(height, rows.length, channels);
  let to = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < rows.length; j++) {
      const { start, weights } = rows[j];
      for (let c = 0; c < channels; c++) {
        let at = (i * width + start) * channels + c;
        let sum = ONE / 2;
        for (let k = 0; k < weights.length; k++, at += channels) sum += weights[k] * data[at];
        Y.data[to++] = limited(sum >> BITS);
      }
    }
  }
  return Y;
}

/** Return an integer, limited to 0..255. */
function limited(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
