/**
 * Functions used by preprocessing steps: percentiles, sizes, and the check of settings.
 *
 * All of them use integers only, so that every runtime computes exactly the same. A number in
 * JavaScript is a float64, in which integers below 2^53 and their quotients, rounded down, are exact.
 */

import { ModelError } from "../errors.js";

/** The largest side that a step may produce, in pixels. */
export const LARGEST = 4096;

/**
 * An image of height x width pixels: channel c of pixel (i, j) is data[(i width + j) channels + c].
 *
 * A mask is such an image with one channel, which holds 1 where something is true, and otherwise 0.
 */
export class Pixels {
  constructor(height, width, channels = 1, data = new Uint8Array(height * width * channels)) {
    Object.assign(this, { height, width, channels, data });
  }

  /** Return an image of zeros with the same size. */
  zeros() {
    return new Pixels(this.height, this.width, this.channels);
  }
}

/**
 * Return the smallest value v such that at least `percent` % of the values are at most v:
 *
 *     100 #{values <= v} >= percent #values
 *
 * The values are integers from 0 to 255. percentile(values, 50) is the median.
 */
export function percentile(values, percent) {
  return percentile_of_counts(histogram(values), values.length, percent);
}

/** Return a percentile of `total` values, given their histogram. */
export function percentile_of_counts(counts, total, percent) {
  let v = 0;
  let below = counts[0];
  while (100 * below < percent * total) below += counts[++v];
  return v;
}

/** Return how often each integer from 0 to 255 occurs among some values. */
export function histogram(values) {
  const counts = new Uint32Array(256);
  for (let k = 0; k < values.length; k++) counts[values[k]]++;
  return counts;
}

/** Return the image 255 - x. */
export function inverted(X) {
  const Y = X.zeros();
  for (let k = 0; k < Y.data.length; k++) Y.data[k] = 255 - X.data[k];
  return Y;
}

/** Return the largest of some bytes, or 0 if there are none. */
export function largest(values) {
  let most = 0;
  for (let k = 0; k < values.length; k++) if (values[k] > most) most = values[k];
  return most;
}

/** Return a channel of an image as an array of bytes, row by row. */
export function channel(X, c) {
  return X.channels === 1 ? X.data : every(X.channels, c, X.height * X.width, X.data);
}

/** Return data[start], data[start + step], ..., as many as `count`. */
function every(step, start, count, data) {
  const values = new Uint8Array(count);
  for (let k = 0; k < count; k++) values[k] = data[start + k * step];
  return values;
}

/** Return which values of the first channel of an image are greater than a limit, as a mask. */
export function above(X, limit) {
  const { channels: C, data } = X;
  const mask = new Pixels(X.height, X.width);
  for (let k = 0; k < mask.data.length; k++) mask.data[k] = data[k * C] > limit ? 1 : 0;
  return mask;
}

/**
 * Return channel c of the first row, the last row, the first column and the last column, in this
 * order, as four arrays.
 */
export function sides(X, c = 0) {
  const { height: H, width: W, channels: C, data } = X;
  const line = (count, start, step) => every(step * C, start * C + c, count, data);
  return [line(W, 0, 1), line(W, (H - 1) * W, 1), line(H, 0, W), line(H, W - 1, W)];
}

/** Return channel c of the pixels along the four edges. The pixels in the corners count twice. */
export function edges(X, c = 0) {
  const found = new Uint8Array(2 * (X.height + X.width));
  let at = 0;
  for (const side of sides(X, c)) {
    found.set(side, at);
    at += side.length;
  }
  return found;
}

/** Return the median colour of the pixels along the four edges, one number per channel. */
export function edge_colour(X) {
  return Array.from({ length: X.channels }, (_, c) => percentile(edges(X, c), 50));
}

/** Return the largest size [h, w] within height x width that keeps an image's aspect ratio. */
export function fitted(X, height, width) {
  const { height: H, width: W } = X;
  if (height * W <= width * H) return [height, Math.max(1, divided(W * height, H))];
  return [Math.max(1, divided(H * width, W)), width];
}

/** Return a fraction of integers, rounded to the nearest integer; halves are rounded up. */
export function divided(numerator, denominator) {
  return Math.floor((2 * numerator + denominator) / (2 * denominator));
}

/**
 * Return the rows and columns that contain all pixels of a mask that are not 0:
 * {top, bottom, left, right}, where bottom and right are the row and column after the last one.
 * Without such pixels, return null.
 */
export function bounding_box(mask) {
  const { height, width, data } = mask;
  let [top, bottom, left, right] = [height, 0, width, 0];
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at++) {
      if (!data[at]) continue;
      if (i < top) top = i;
      if (j < left) left = j;
      if (j >= right) right = j + 1;
      bottom = i + 1;
    }
  }
  return bottom ? { top, bottom, left, right } : null;
}

/** Throw a ModelError unless a setting of a step is an integer from `least` to `most`. */
export function check_size(step, name, least = 1, most = LARGEST) {
  const size = step[name];
  if (!Number.isInteger(size) || size < least || size > most) {
    throw new ModelError(
      `${name} of ${step.constructor.name} must be an integer from ${least} to ${most}, ` +
        `not ${JSON.stringify(size)}`,
    );
  }
}

/** Throw a ModelError unless a setting of a step is one of the choices. */
export function check_choice(step, name, choices) {
  if (!choices.includes(step[name])) {
    const known = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new ModelError(
      `${name} of ${step.constructor.name} must be one of ${known}, ` +
        `not ${JSON.stringify(step[name])}`,
    );
  }
}
