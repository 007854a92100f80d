/**
 * Steps for all kinds of images: transparency, colour and size.
 *
 * The channels of an image are grey or RGB, plus alpha if there is one.
 */

import {
  Pixels,
  above,
  bounding_box,
  channel,
  check_choice,
  check_size,
  divided,
  edge_colour,
  fitted,
  inverted,
  percentile,
} from "./pixels.js";
import { resized } from "./resize.js";
import { Step } from "./step.js";

const UNEVEN = 4; // from this factor on, blocks may differ by a pixel, as in 8 enlarged to 100
const OPAQUE = 128; // of 255: pixels with at least this alpha are visible
const CONTRAST = 64; // of 255: the difference in lightness between ink and paper

/**
 * Composites a transparent image over a background, and removes the alpha channel:
 *
 *     floor((c a + b (255 - a) + 127) / 255)        colour c, alpha a, background b
 *
 * `background` is "white", "black" or "contrast". With "contrast", a sheet of paper that was cut
 * out is laid on its own colour; other images are laid on black if they are light, and on white if
 * they are dark.
 */
export class CompositeAlpha extends Step {
  static title = "alpha composited";
  static fields = { background: "contrast" };

  check() {
    check_choice(this, "background", ["white", "black", "contrast"]);
  }

  apply(X) {
    if (X.channels !== 2 && X.channels !== 4) return X;
    const C = X.channels - 1;
    const Y = without_alpha(X);
    if (is_opaque(X)) return Y;
    const alpha = channel(X, C);
    const behind = this.behind(Y, alpha);
    for (let k = 0, at = 0; k < alpha.length; k++) {
      for (let c = 0; c < C; c++, at++) {
        const sum = Y.data[at] * alpha[k] + behind[c] * (255 - alpha[k]);
        Y.data[at] = Math.floor((sum + 127) / 255);
      }
    }
    return Y;
  }

  /** Return the colour behind the image, one number per channel. */
  behind(colours, alpha) {
    const { channels: C, data } = colours;
    if (this.background !== "contrast") return Array(C).fill(this.background === "white" ? 255 : 0);
    const visible = above(new Pixels(colours.height, colours.width, 1, alpha), OPAQUE - 1);
    if (is_sheet(colours, visible)) {
      return Array.from({ length: C }, (_, c) => percentile(selected(colours, c, visible), 50));
    }
    let [ink, total] = [0, 0];
    for (let k = 0, at = 0; k < alpha.length; k++) {
      total += alpha[k];
      for (let c = 0; c < C; c++) ink += data[at++] * alpha[k];
    }
    return Array(C).fill(2 * ink <= 255 * C * total ? 255 : 0);
  }
}

/** Return whether the last channel of an image is 255 everywhere. */
function is_opaque({ channels, data }) {
  for (let at = channels - 1; at < data.length; at += channels) if (data[at] !== 255) return false;
  return true;
}

/** Return an image without its last channel. */
function without_alpha({ height, width, channels, data }) {
  const [C, Y] = [channels - 1, new Pixels(height, width, channels - 1)];
  for (let c = 0; c < C; c++) {
    for (let to = c, at = c; to < Y.data.length; to += C, at += channels) Y.data[to] = data[at];
  }
  return Y;
}

/** Return channel c of the pixels for which a mask is 1. */
function selected(X, c, mask) {
  const values = channel(X, c);
  const found = new Uint8Array(values.length);
  let count = 0;
  for (let k = 0; k < values.length; k++) if (mask.data[k]) found[count++] = values[k];
  return found.subarray(0, count);
}

/**
 * Return whether the visible pixels are a solid area with ink on it, and not ink alone.
 *
 * They are if they fill three quarters of their bounding box, and 1 in 200 of them differs from
 * their median lightness by `CONTRAST`.
 */
function is_sheet(colours, visible) {
  const box = bounding_box(visible);
  if (box === null) return false;
  const area = (box.bottom - box.top) * (box.right - box.left);
  const grey = selected(new Grayscale().apply(colours), 0, visible);
  const median = percentile(grey, 50);
  let differs = 0;
  for (const value of grey) if (Math.abs(value - median) >= CONTRAST) differs++;
  return 4 * grey.length >= 3 * area && 200 * differs >= grey.length;
}

/** Converts colours to grey with the luma weights of ITU-R BT.601, in parts of 2^16. */
export class Grayscale extends Step {
  static title = "grey";

  apply(X) {
    const { channels: C, data } = X;
    if (C === 1) return X;
    const Y = new Pixels(X.height, X.width);
    for (let k = 0, at = 0; k < Y.data.length; k++, at += C) {
      const luma = 19595 * data[at] + 38470 * data[at + 1] + 7471 * data[at + 2];
      Y.data[k] = (luma + (1 << 15)) >> 16;
    }
    return Y;
  }
}

/** Converts a grey image to three channels. */
export class GrayToRGB extends Step {
  static title = "grey to RGB";

  apply(X) {
    if (X.channels === 3) return X;
    const Y = new Pixels(X.height, X.width, 3 * X.channels);
    for (let k = 0; k < X.data.length; k++) Y.data.fill(X.data[k], 3 * k, 3 * k + 3);
    return Y;
  }
}

/** Swaps light and dark. */
export class Invert extends Step {
  static title = "inverted";

  apply(X) {
    return inverted(X);
  }
}

/**
 * Undoes nearest-neighbour upscaling: each block of equal pixels becomes a single pixel.
 *
 * The factor s / b is estimated from the lengths l of the runs of equal rows and columns, without
 * the margins. Every l must be within a tolerance of a multiple of s / b.
 */
export class UndoUpscale extends Step {
  static title = "upscaling undone";

  apply(X) {
    const rows = run_lengths(X.height, (i) => same_row(X, i));
    const columns = run_lengths(X.width, (j) => same_column(X, j));
    const inner = [...rows.slice(1, -1), ...columns.slice(1, -1)]; // the margins may have any size
    let [size, blocks] = [inner.reduce((least, run) => Math.min(least, run), Infinity), 1];
    if (size === Infinity || size === 1) return X;
    const sum = inner.reduce((total, run) => total + run, 0);
    for (let pass = 0; pass < 2; pass++) {
      blocks = inner.reduce((total, run) => total + divided(run * blocks, size), 0);
      size = sum;
    }
    const uneven = size >= UNEVEN * blocks ? blocks : 0;
    const is_uneven = (run) =>
      Math.abs(run * blocks - size * divided(run * blocks, size)) > uneven;
    if (inner.some(is_uneven)) return X;
    return picked(X, one_per_block(rows, size, blocks), one_per_block(columns, size, blocks));
  }
}

/** Return whether row i of an image is equal to the row before. */
function same_row({ width, channels, data }, i) {
  const length = width * channels;
  for (let at = i * length; at < (i + 1) * length; at++) {
    if (data[at] !== data[at - length]) return false;
  }
  return true;
}

/** Return whether column j of an image is equal to the column before. */
function same_column({ height, width, channels, data }, j) {
  for (let i = 0; i < height; i++) {
    const start = (i * width + j) * channels;
    for (let at = start; at < start + channels; at++) {
      if (data[at] !== data[at - channels]) return false;
    }
  }
  return true;
}

/** Return the lengths of the runs of equal lines, given whether line k is equal to line k - 1. */
function run_lengths(count, is_same) {
  const runs = [1];
  for (let k = 1; k < count; k++) {
    if (is_same(k)) runs[runs.length - 1]++;
    else runs.push(1);
  }
  return runs;
}

/** Return the indices of lines that keep one line from each block of `size / blocks` lines. */
function one_per_block(runs, size, blocks) {
  const kept = [];
  let end = 0;
  for (const run of runs) {
    end += run;
    for (let k = Math.max(1, divided(run * blocks, size)); k > 0; k--) kept.push(end - 1);
  }
  return kept;
}

/** Return the image that consists of the given rows and columns of an image. */
function picked(X, rows, columns) {
  const C = X.channels;
  const Y = new Pixels(rows.length, columns.length, C);
  let to = 0;
  for (const i of rows) {
    for (const j of columns) {
      const at = (i * X.width + j) * C;
      for (let c = 0; c < C; c++) Y.data[to++] = X.data[at + c];
    }
  }
  return Y;
}

/** Return the part of an image from row `top` and column `left` on. */
export function cropped(X, top, left, height, width) {
  const [C, Y] = [X.channels, new Pixels(height, width, X.channels)];
  for (let i = 0; i < height; i++) {
    const at = ((top + i) * X.width + left) * C;
    Y.data.set(X.data.subarray(at, at + width * C), i * width * C);
  }
  return Y;
}

/**
 * Averages blocks of pixels in a noisy image, such as a photograph.
 *
 * An image counts as noisy if most of its pixels differ from their neighbours, which is not the case
 * in a drawing. The longer side of the result has at least `side` pixels, and fewer than twice as
 * many.
 */
export class Denoise extends Step {
  static title = "denoised";
  static fields = { side: undefined };

  check() {
    check_size(this, "side");
  }

  apply(X) {
    const { height: H, width: W } = X;
    const block = Math.min(Math.floor(Math.max(H, W) / this.side), H, W);
    if (block < 2 || is_even(X)) return X;
    const [h, w] = [Math.floor(H / block), Math.floor(W / block)];
    return resized(cropped(X, 0, 0, h * block, w * block), h, w);
  }
}

/** Return whether more than half of the values are equal to the value to their left. */
function is_even({ height, width, channels, data }) {
  let equal = 0;
  for (let i = 0; i < height; i++) {
    const start = i * width * channels;
    for (let at = start + channels; at < start + width * channels; at++) {
      if (data[at] === data[at - channels]) equal++;
    }
  }
  return 2 * equal > height * (width - 1) * channels;
}

/** Downscales a large image to `side` pixels on its longer side, to speed up later steps. */
export class Downscale extends Step {
  static title = "downscaled";
  static fields = { side: undefined };

  check() {
    check_size(this, "side");
  }

  apply(X) {
    const is_large = Math.max(X.height, X.width) > this.side;
    return is_large ? resized(X, ...fitted(X, this.side, this.side)) : X;
  }
}

/**
 * Resizes an image to `height` x `width` pixels.
 *
 * With `keep_aspect`, the aspect ratio is kept, and the image is padded with the colour of its edges.
 * Without, it is stretched.
 */
export class Resize extends Step {
  static title = "resized";
  static fields = { height: undefined, width: undefined, keep_aspect: true };

  check() {
    check_size(this, "height");
    check_size(this, "width");
    check_choice(this, "keep_aspect", [true, false]);
  }

  apply(X) {
    if (!this.keep_aspect) return resized(X, this.height, this.width);
    const inner = resized(X, ...fitted(X, this.height, this.width));
    const padded = new Pixels(this.height, this.width, X.channels);
    const colour = edge_colour(X);
    for (let at = 0; at < padded.data.length; at++) padded.data[at] = colour[at % X.channels];
    const top = Math.floor((this.height - inner.height) / 2);
    const left = Math.floor((this.width - inner.width) / 2);
    place_at(padded, inner, top, left);
    return padded;
  }
}

/** Copy an image into a larger or smaller one. Parts outside the target are cut off. */
export function place_at(target, X, top, left) {
  const C = X.channels;
  for (let i = Math.max(-top, 0); i < Math.min(X.height, target.height - top); i++) {
    for (let j = Math.max(-left, 0); j < Math.min(X.width, target.width - left); j++) {
      const [at, to] = [(i * X.width + j) * C, ((i + top) * target.width + j + left) * C];
      for (let c = 0; c < C; c++) target.data[to + c] = X.data[at + c];
    }
  }
}
