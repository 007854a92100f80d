/** Dropout, which sets random elements to zero, so that a network does not rely on single ones. */

import { array, map2, size, zeros } from "./array.js";
import { ModelError, in_range, shape_text, text } from "./errors.js";
import { stream_key, uniforms } from "./random.js";

/**
 * In training, set each number to zero with probability p, and divide the rest by 1 − p.
 *
 *     Y = M X/(1 − p)        M, of the shape of X, holds 0 or 1        dX = M dY/(1 − p)
 *
 * At inference Y = X. M is a function of (seed, step, layer, element), so that Python and JavaScript
 * use the same mask for a step, even if the step is computed several times.
 *
 * N. Srivastava et al. 2014, "Dropout", section 4, in its inverted form.
 *
 * Settings: p, the probability of setting a number to zero, at least 0 and below 1.
 */
export class Dropout {
  constructor({ p = 0.5 } = {}) {
    this.p = p;
  }

  shapes(shape) {
    check_probability(this.p);
    return [{}, shape];
  }

  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    if (!ctx.training) return [X, null];
    const M = sample_mask(this.p, X.shape, ctx);
    return [map2(X, M, (x, m) => x * m), M];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const M = cache;
    return [M === null ? dY : map2(dY, M, (dy, m) => dy * m), {}];
  }
}

/**
 * In training, set each channel to zero with probability p, and divide the rest by 1 − p.
 *
 *     Y = M X/(1 − p)        X (N, C, H, W), M (N, C) holds 0 or 1        dX = M dY/(1 − p)
 *
 * J. Tompson et al. 2015, "Efficient object localization using convolutional networks",
 * section 3.2.
 *
 * Settings: p, the probability of setting a channel to zero, at least 0 and below 1.
 */
export class Dropout2d {
  constructor({ p = 0.5 } = {}) {
    this.p = p;
  }

  shapes(shape) {
    check_probability(this.p);
    if (shape.length !== 3) {
      throw new ModelError(
        `takes images (C, H, W), not ${shape_text(shape)}; use Dropout for flat input`,
      );
    }
    return [{}, shape];
  }

  /** X (N, C, H, W) -> Y, the same shape. */
  forward(params, X, ctx) {
    if (!ctx.training) return [X, null];
    const M = sample_mask(this.p, X.shape.slice(0, 2), ctx);
    return [scale_channels(X, M), M];
  }

  /** dY (N, C, H, W) -> dX, the same shape. */
  backward(params, cache, dY) {
    const M = cache;
    return [M === null ? dY : scale_channels(dY, M), {}];
  }
}

/** Return M/(1 − p) with the given shape. */
function sample_mask(p, shape, ctx) {
  const key = stream_key(ctx.seed, "dropout", ctx.step, ctx.layer);
  const least = Math.fround(p); // the random numbers are float32 in Python, and so is p
  return array(shape, uniforms(key, size(shape)).map((u) => (u >= least ? 1 / (1 - p) : 0)));
}

/** Return X (N, C, H, W) with each channel multiplied by its number in M (N, C). */
function scale_channels(X, M) {
  const pixels = size(X.shape.slice(2)), Y = zeros(X.shape);
  for (let channel = 0, i = 0; channel < M.data.length; channel++) {
    for (let p = 0; p < pixels; p++, i++) Y.data[i] = X.data[i] * M.data[channel];
  }
  return Y;
}

function check_probability(p) {
  if (!in_range(p, 0, 1)) {
    throw new ModelError(`p must be at least 0 and below 1, not ${text(p)}`);
  }
}
