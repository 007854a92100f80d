/**
 * Steps for grey images of ink on a background: drawings, or photographs of them.
 *
 * All steps except `InvertDarkInk` expect light ink on a black background, as in MNIST.
 */

import {
  LARGEST,
  Pixels,
  above,
  bounding_box,
  check_choice,
  check_size,
  divided,
  edge_colour,
  edges,
  fitted,
  histogram,
  inverted,
  largest,
  percentile,
  sides,
} from "./pixels.js";
import { resized } from "./resize.js";
import { Step, check_grey } from "./step.js";
import { cropped, place_at } from "./steps.js";

/** Of 255: smaller differences from the background are not ink. */
export const NOISE = 32;

const CONTRAST = 64; // of 255: the smallest difference between a sheet and what is around it
const BLUR = 8; // ink fainter than the maximum divided by this is blur around a stroke
const FULL = 250; // of 255: ink of this lightness is not stretched
const REACH = 2; // specks are counted in the square of 5 x 5 pixels around a pixel
const PERCENTILE = 80; // of the ink: fainter pixels are the edges of strokes

/**
 * Inverts an image whose ink is darker than its background.
 *
 * The background is the median along the edges, and pixels that differ from it are ink. If about as
 * many pixels are lighter than the background as are darker, the image is assumed to have a shadow,
 * and the background is modelled as a gradient between opposite edges. `sheet` says whether the image
 * may show a sheet of paper with something else at its edges.
 */
export class InvertDarkInk extends Step {
  static title = "dark ink inverted";
  static fields = { sheet: false };

  check() {
    check_choice(this, "sheet", [true, false]);
  }

  apply(X) {
    check_grey(this, X);
    return ink_balance(X, this.sheet) < 0 ? inverted(X) : X;
  }
}

/** Return the sum of the differences of the ink from the background: negative for dark ink. */
export function ink_balance(X, sheet = false) {
  const edge = edge_colour(X)[0];
  const whole = percentile(X.data, 50);
  const medians = sides(X).map((side) => percentile(side, 50));
  if (sheet && Math.abs(whole - edge) >= CONTRAST) {
    const reaches = medians.some((median) => Math.abs(median - whole) < NOISE);
    if (reaches || has_uniform_edges(X)) return differences(X, whole).sum;
  }
  const { sum, amount } = differences(X, edge);
  const has_interior = Math.min(X.height, X.width) > 2; // without, a shadow cannot be detected
  if (!has_interior || 2 * Math.abs(sum) >= amount) return sum;
  return balance_with_shadow(X, medians);
}

/** Return whether nine tenths of the pixels at the edges differ little from their median. */
export function has_uniform_edges(X) {
  const values = edges(X);
  const median = percentile(values, 50);
  const uniform = values.reduce((count, v) => count + (Math.abs(v - median) < NOISE ? 1 : 0), 0);
  return 10 * uniform >= 9 * values.length;
}

/**
 * Return the sum of the differences of the pixels from a background, and the sum of their absolute
 * values. Differences below `NOISE` count as 0.
 */
function differences(X, background) {
  let [sum, amount] = [0, 0];
  histogram(X.data).forEach((count, value) => {
    const difference = value - background;
    if (Math.abs(difference) < NOISE) return;
    sum += count * difference;
    amount += count * Math.abs(difference);
  });
  return { sum, amount };
}

/**
 * Return the sum of the differences of the pixels from a background that changes linearly between
 * opposite edges, given the medians of the edges. Differences below `NOISE` count as 0.
 */
function balance_with_shadow(X, [top, bottom, left, right]) {
  const { height: H, width: W, data } = X;
  const mean = divided(top + bottom + left + right, 4);
  const column = new Float64Array(W);
  for (let j = 0; j < W; j++) column[j] = divided(left * (W - 1) + (right - left) * j, W - 1);
  let sum = 0;
  for (let i = 0, at = 0; i < H; i++) {
    const row = divided(top * (H - 1) + (bottom - top) * i, H - 1);
    for (let j = 0; j < W; j++, at++) {
      const difference = data[at] - (row + column[j] - mean);
      if (Math.abs(difference) >= NOISE) sum += difference;
    }
  }
  return sum;
}

/**
 * Makes ink white and everything else black, like the scans that MNIST was made from.
 *
 * Images whose longer side is shorter than `min_side` are left unchanged, because the shapes in small
 * images depend on their grey levels. A pixel becomes black if its 5x5 neighbourhood contains at most
 * `speck` ink pixels.
 */
export class Binarize extends Step {
  static title = "binarized";
  static fields = { min_side: undefined, speck: 0 };

  check() {
    check_size(this, "min_side");
    check_size(this, "speck", 0, LARGEST - 1);
  }

  apply(X) {
    check_grey(this, X);
    if (Math.max(X.height, X.width) < this.min_side) return X;
    const threshold = otsu_threshold(X);
    const ink = above(X, threshold);
    const Y = this.speck ? without_specks(ink, this.speck) : ink;
    for (let k = 0; k < Y.data.length; k++) Y.data[k] *= 255;
    return Y;
  }
}

/**
 * Return the value that separates light and dark pixels best, the first t with the largest
 *
 *     (S n - s N)² / (n (N - n))
 *
 * n is the number of pixels <= t, s their sum, N the number of all pixels and S the sum of all.
 * N. Otsu (1979), "A threshold selection method from gray-level histograms". S n can exceed 2^53, so
 * that the difference is a BigInt. It is rounded once, as are the square and the quotient.
 */
export function otsu_threshold(X) {
  const counts = histogram(X.data);
  const N = X.data.length;
  const S = counts.reduce((sum, count, value) => sum + count * value, 0);
  let [n, s, best, threshold] = [0, 0, -1, 0];
  for (let t = 0; t < 256; t++) {
    n += counts[t];
    s += counts[t] * t;
    const between = Number(BigInt(S) * BigInt(n) - BigInt(s) * BigInt(N));
    const spread = n * (N - n);
    const score = spread > 0 ? (between * between) / spread : 0;
    if (score > best) [best, threshold] = [score, t];
  }
  return threshold;
}

/** Return the ink pixels with more than `most` ink pixels in the 5x5 square around them. */
export function without_specks(ink, most) {
  const counts = neighbours(ink);
  const Y = ink.zeros();
  for (let k = 0; k < Y.data.length; k++) if (ink.data[k] && counts[k] > most) Y.data[k] = 1;
  return Y;
}

/** Return the number of ink pixels in the 5x5 square around each pixel, as an array. */
function neighbours(ink) {
  const { height, width, data } = ink;
  const in_row = new Uint8Array(data.length);
  const counts = new Uint8Array(data.length);
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at++) {
      if (!data[at]) continue;
      const stop = Math.min(j + REACH, width - 1) - j;
      for (let k = -Math.min(REACH, j); k <= stop; k++) in_row[at + k]++;
    }
  }
  for (let i = 0; i < height; i++) {
    const stop = Math.min(i + REACH, height - 1);
    for (let k = Math.max(i - REACH, 0); k <= stop; k++) {
      for (let j = 0; j < width; j++) counts[i * width + j] += in_row[k * width + j];
    }
  }
  return counts;
}

/** Crops an image to the bounding box of its ink. */
export class CropToInk extends Step {
  static title = "cropped";

  apply(X) {
    const box = bounding_box(above(X, Math.floor(largest(X.data) / BLUR)));
    if (box === null) return X;
    return cropped(X, box.top, box.left, box.bottom - box.top, box.right - box.left);
  }
}

/**
 * Enlarges a small image by cubic interpolation, with a margin of one pixel.
 *
 * In a small image, grey levels show where the edge of a line runs between two pixels. If the image
 * is enlarged before it is binarized, the shape of the line is preserved. Images whose longer side
 * has at least `min_side` pixels are left unchanged. `side` is the longer side of the result.
 */
export class Upscale extends Step {
  static title = "upscaled";
  static fields = { min_side: undefined, side: undefined };

  check() {
    check_size(this, "min_side");
    check_size(this, "side");
  }

  apply(X) {
    check_grey(this, X);
    if (Math.max(X.height, X.width) >= this.min_side) return X;
    const padded = new Pixels(X.height + 2, X.width + 2);
    place_at(padded, X, 1, 1);
    return resized(padded, ...fitted(padded, this.side, this.side), true);
  }
}

/** Scales an image to fit into a square of `side` x `side` pixels, keeping its aspect ratio. */
export class ScaleToFit extends Step {
  static title = "scaled to fit";
  static fields = { side: 20 };

  check() {
    check_size(this, "side");
  }

  apply(X) {
    return resized(X, ...fitted(X, this.side, this.side));
  }
}

/** Scales the lightness so that strokes are white: downscaling makes thin strokes faint. */
export class StretchContrast extends Step {
  static title = "contrast stretched";

  apply(X) {
    const ink = X.data.filter((x) => x > 0);
    const top = ink.length ? percentile(ink, PERCENTILE) : 255;
    if (top >= FULL) return X;
    const Y = X.zeros();
    for (let k = 0; k < Y.data.length; k++) Y.data[k] = Math.min(divided(255 * X.data[k], top), 255);
    return Y;
  }
}

/**
 * Places an image on a black square of `side` x `side` pixels with its centre of mass in the middle.
 *
 * The middle is the pixel below and to the right of the square's centre, as in MNIST. With the total
 * T of all pixels x, the centre is
 *
 *     floor(sum of x (2i + 1) / 2T), floor(sum of x (2j + 1) / 2T)
 */
export class CenterByMass extends Step {
  static title = "centred by mass";
  static fields = { side: 28 };

  check() {
    check_size(this, "side");
  }

  apply(X) {
    const { width: W, channels: C, data } = X;
    const is_black = !data.some(Boolean); // then each pixel counts as 1
    let [total, y, x] = [0, 0, 0];
    for (let at = 0; at < data.length; at++) {
      const mass = is_black ? 1 : data[at];
      const pixel = Math.floor(at / C);
      const i = Math.floor(pixel / W);
      total += mass;
      y += mass * (2 * i + 1);
      x += mass * (2 * (pixel - i * W) + 1);
    }
    const square = new Pixels(this.side, this.side, C);
    const middle = Math.floor(this.side / 2);
    const [top, left] = [y, x].map((sum) => middle - Math.floor(sum / (2 * total)));
    place_at(square, X, top, left);
    return square;
  }
}
