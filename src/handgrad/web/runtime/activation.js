/** Activations: functions that are applied to each element separately. */

import { map, map2 } from "./array.js";

/** Base class of all activations: no arrays, and an output with the shape of the input. */
class Elementwise {
  shapes(shape) {
    return [{}, shape];
  }
}

/**
 * The positive part of each number.
 *
 *     Y = max(X, 0)        dX = dY where X > 0, else 0
 */
export class ReLU extends Elementwise {
  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    const Y = map(X, (x) => Math.max(x, 0));
    return [Y, Y];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const Y = cache;
    return [map2(dY, Y, (dy, y) => (y > 0 ? dy : 0)), {}];
  }
}

/**
 * The positive part of each number, plus a small multiple of its negative part.
 *
 *     Y = X where X > 0, else slope·X        dX = dY where X > 0, else slope·dY
 *
 * Settings: slope, the factor by which negative numbers are multiplied.
 */
export class LeakyReLU extends Elementwise {
  constructor({ slope = 0.01 } = {}) {
    super();
    this.slope = slope;
  }

  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    return [map(X, (x) => (x > 0 ? x : this.slope * x)), X];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const X = cache;
    return [map2(dY, X, (dy, x) => (x > 0 ? dy : this.slope * dy)), {}];
  }
}

/**
 * The logistic function.
 *
 *     Y = 1/(1 + e⁻ˣ)        dX = dY · Y(1 − Y)
 */
export class Sigmoid extends Elementwise {
  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    const Y = map(X, sigmoid);
    return [Y, Y];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const Y = cache;
    return [map2(dY, Y, (dy, y) => dy * y * (1 - y)), {}];
  }
}

/**
 * The hyperbolic tangent.
 *
 *     Y = tanh X        dX = dY · (1 − Y²)
 */
export class Tanh extends Elementwise {
  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    const Y = map(X, Math.tanh);
    return [Y, Y];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const Y = cache;
    return [map2(dY, Y, (dy, y) => dy * (1 - y * y)), {}];
  }
}

/**
 * Each element times its sigmoid: a smooth version of ReLU.
 *
 *     Y = X·σ(X)        dX = dY · σ(X)(1 + X(1 − σ(X)))
 *
 * D. Hendrycks, K. Gimpel 2016, "Gaussian error linear units", section 2.
 */
export class SiLU extends Elementwise {
  /** X any shape -> Y, the same shape. */
  forward(params, X, ctx) {
    return [map(X, (x) => x * sigmoid(x)), X];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const X = cache;
    const slope = (x, s) => s * (1 + x * (1 - s));
    return [map2(dY, X, (dy, x) => dy * slope(x, sigmoid(x))), {}];
  }
}

/** Return 1/(1 + e⁻ˣ), computed as eˣ/(1 + eˣ) where x < 0, so that no exponential overflows. */
function sigmoid(x) {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}
