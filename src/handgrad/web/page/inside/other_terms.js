// The terms of layers without weights: see terms.js for what the functions return.

import { Sigmoid } from "../../runtime/activation.js";
import { array } from "../../runtime/array.js";
import { index_of, pixels_of, place_of, window_of } from "./place.js";
import { number, product } from "./term.js";

/** Max pooling: the largest number of the window is the output; the others do not count. */
export const max_pool = {
  value(step, index) {
    const { layer, X, Y, source } = step, [c, r, q] = place_of(Y.shape, index);
    const winner = winner_of(step, index);
    return pixels_of_window(layer, X, c, r, q).map((at) =>
      product([number(source, at, X.data[at]), { name: "largest", value: Number(at === winner) }]));
  },

  gradient(step, dY, index) {
    const { path, layer, X, Y } = step;
    return windows_of_pixel(layer, X, Y, index).map((at) =>
      product([number(path, at, dY.data[at]), { name: "largest", value: Number(winner_of(step, at) === index) }]));
  },
};

/** Average pooling: the sum of the window, divided by its size; zeros of the padding count too. */
export const avg_pool = {
  value({ layer, X, Y, source }, index) {
    const [c, r, q] = place_of(Y.shape, index), share = share_of(layer);
    return pixels_of_window(layer, X, c, r, q).map((at) =>
      product([number(source, at, X.data[at]), share]));
  },

  gradient({ path, layer, X, Y }, dY, index) {
    const share = share_of(layer);
    return windows_of_pixel(layer, X, Y, index).map((at) => product([number(path, at, dY.data[at]), share]));
  },
};

export const global_avg_pool = {
  value({ X, source }, c) {
    const pixels = pixels_of(X.shape), share = fraction(pixels);
    return Array.from({ length: pixels }, (_, p) =>
      product([number(source, c * pixels + p, X.data[c * pixels + p]), share]));
  },

  gradient({ path, X }, dY, index) {
    const pixels = pixels_of(X.shape), c = Math.floor(index / pixels);
    return [product([number(path, c, dY.data[c]), fraction(pixels)])];
  },
};

/** Layers that pass each number on: Flatten, and dropout at inference. */
export const same = {
  value: ({ X, source }, index) => [product([number(source, index, X.data[index])])],
  gradient: ({ path }, dY, index) => [product([number(path, index, dY.data[index])])],
};

/** ReLU and LeakyReLU: each number times 1, or times the slope if it is negative. */
export const rectifier = {
  value: ({ layer, X, source }, index) =>
    [product([number(source, index, X.data[index]), side(layer, X.data[index])])],
  gradient: ({ path, layer, X }, dY, index) =>
    [product([number(path, index, dY.data[index]), side(layer, X.data[index])])],
};

export const silu = {
  value({ X, source }, index) {
    const x = X.data[index];
    return [product([number(source, index, x), { name: "σ(x)", value: sigmoid(x) }])];
  },
  gradient({ path, X }, dY, index) {
    const x = X.data[index], s = sigmoid(x);
    return [product([number(path, index, dY.data[index]), { name: "σ(x)(1 + x(1 − σ(x)))", value: s * (1 + x * (1 - s)) }])];
  },
};

/** Return the terms of a function f of one number: its value, and its derivative, given y = f(x). */
function curve(name, slope_name, slope) {
  return {
    value: ({ X, Y, source }, index) =>
      [{ ...product([{ name, value: Y.data[index] }]), of: number(source, index, X.data[index]) }],
    gradient: ({ path, Y }, dY, index) =>
      [product([number(path, index, dY.data[index]), { name: slope_name, value: slope(Y.data[index]) }])],
  };
}

export const logistic = curve("1/(1 + e⁻ˣ)", "y(1 − y)", (y) => y * (1 - y));
export const tanh = curve("tanh x", "1 − y²", (y) => 1 - y * y);

/** Containers: the sum of what their branches return. The gradient is that of the inner layers. */
export const container = {
  value: ({ parts, path }, index, trace) =>
    parts.map((part) => product([number(part, index, trace.values(part).data[index])])),
};

function side({ slope = 0 }, x) {
  return x > 0 ? { name: "x > 0", value: 1 } : { name: "x ≤ 0", value: slope };
}

function fraction(count) {
  return { name: `1/${count}`, value: 1 / count };
}

function share_of(layer) {
  const [[kh, kw]] = window_of(layer);
  return fraction(kh * kw);
}

/** Return the indices in X of the pixels in a window, without those of the padding. */
function pixels_of_window(layer, X, c, r, q) {
  const [[kh, kw], [down, across], [top, left]] = window_of(layer), [, , H, W] = X.shape, found = [];
  for (let h = r * down - top; h < r * down - top + kh; h++) {
    for (let w = q * across - left; w < q * across - left + kw; w++) {
      if (h >= 0 && w >= 0 && h < H && w < W) found.push(index_of(X.shape, [c, h, w]));
    }
  }
  return found;
}

/** Return the indices in Y of the windows that contain a pixel of X. */
function windows_of_pixel(layer, X, Y, index) {
  const [c, h, w] = place_of(X.shape, index), [, , rows, columns] = Y.shape, found = [];
  const [[kh, kw], [down, across], [top, left]] = window_of(layer);
  const first = (at, k, s) => Math.max(0, Math.ceil((at - k + 1) / s));
  for (let r = first(h + top, kh, down); r < rows && r * down <= h + top; r++) {
    for (let q = first(w + left, kw, across); q < columns && q * across <= w + left; q++) {
      found.push(index_of(Y.shape, [c, r, q]));
    }
  }
  return found;
}

/** Return the index in X of the pixel that is the output of a window of max pooling. */
function winner_of({ layer, X, cache }, at) {
  const [, , [top, left]] = window_of(layer), [c, h, w] = place_of(cache.padded, cache.argmax[at]);
  return index_of(X.shape, [c, h - top, w - left]);
}

/** Return σ(x) of one number. */
function sigmoid(x) {
  return new Sigmoid().forward({}, array([1], [x]))[0].data[0];
}
