// The terms of layers with weights: see terms.js for what the three functions return.

import { index_of, place_of, pixels_of, window_of } from "./place.js";
import { number, product, weight } from "./term.js";

export const dense = {
  value({ path, params, X, source }, o) {
    const I = X.shape[1];
    const terms = Array.from(X.data, (x, i) =>
      product([weight(path, "weight", o * I + i, params), number(source, i, x)]));
    return [...terms, product([weight(path, "bias", o, params)])];
  },

  gradient({ path, params, X }, dY, i) {
    const I = X.shape[1];
    return Array.from(dY.data, (dy, o) =>
      product([number(path, o, dy), weight(path, "weight", o * I + i, params)]));
  },

  parameter({ path, X, source }, dY, name, index) {
    const I = X.shape[1], o = name === "weight" ? Math.floor(index / I) : index, i = index % I;
    const slope = number(path, o, dY.data[o]);
    return [product(name === "weight" ? [slope, number(source, i, X.data[i])] : [slope])];
  },
};

export const conv = {
  value({ path, layer, params, X, Y, source }, index) {
    const [o, r, q] = place_of(Y.shape, index);
    const [[kh, kw]] = window_of(layer), C = X.shape[1], terms = [];
    for (let c = 0; c < C; c++) {
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          const w = weight(path, "weight", ((o * C + c) * kh + i) * kw + j, params);
          terms.push(product([w, pixel(layer, X, source, c, r, q, i, j)]));
        }
      }
    }
    return [...terms, product([weight(path, "bias", o, params)])];
  },

  gradient({ path, layer, params, X, Y }, dY, index) {
    const [c, h, w] = place_of(X.shape, index), [, O, rows, columns] = Y.shape;
    const [[kh, kw], [down, across], [top, left]] = window_of(layer), C = X.shape[1], terms = [];
    for (let o = 0; o < O; o++) {
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          const r = (h + top - i) / down, q = (w + left - j) / across;
          if (!is_inside(r, rows) || !is_inside(q, columns)) continue;
          const at = index_of(Y.shape, [o, r, q]);
          terms.push(product([
            number(path, at, dY.data[at]),
            weight(path, "weight", ((o * C + c) * kh + i) * kw + j, params),
          ]));
        }
      }
    }
    return terms;
  },

  parameter({ path, layer, X, Y, source }, dY, name, index) {
    const [[kh, kw]] = window_of(layer), C = X.shape[1], [, , rows, columns] = Y.shape;
    const window = name === "weight" ? C * kh * kw : 1, o = Math.floor(index / window);
    const [c, i, j] = place_of([1, C, kh, kw], index % window), terms = [];
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < columns; q++) {
        const at = index_of(Y.shape, [o, r, q]), slope = number(path, at, dY.data[at]);
        terms.push(product(
          name === "weight" ? [slope, pixel(layer, X, source, c, r, q, i, j)] : [slope]));
      }
    }
    return terms;
  },
};

/** Return the number that a window covers at (i, j): a pixel of X, or a zero of the padding. */
function pixel(layer, X, source, c, r, q, i, j) {
  const [, [down, across], [top, left]] = window_of(layer), [, , H, W] = X.shape;
  const h = r * down + i - top, w = q * across + j - left;
  if (h < 0 || w < 0 || h >= H || w >= W) return { name: "padding", value: 0 };
  const at = index_of(X.shape, [c, h, w]);
  return number(source, at, X.data[at]);
}

function is_inside(at, count) {
  return Number.isInteger(at) && at >= 0 && at < count;
}

/** Batch norm at inference: Y = γ/σ · X − γ/σ · μ + β. */
export const batch_norm = {
  value({ path, layer, params, X, source }, index) {
    const f = feature(X, index), gamma = weight(path, "weight", f, params);
    const over = { name: "1/σ", value: 1 / sigma(layer, params, f) };
    const mean = { name: "−μ", value: -params.running_mean.data[f] };
    return [
      product([gamma, over, number(source, index, X.data[index])]),
      product([gamma, over, mean]),
      product([weight(path, "bias", f, params)]),
    ];
  },

  gradient({ path, layer, params, X }, dY, index) {
    const f = feature(X, index), over = { name: "1/σ", value: 1 / sigma(layer, params, f) };
    return [product([number(path, index, dY.data[index]), weight(path, "weight", f, params), over])];
  },

  parameter({ path, X, cache }, dY, name, f) {
    const pixels = pixels_of(X.shape);
    return Array.from({ length: pixels }, (_, p) => {
      const at = f * pixels + p, slope = number(path, at, dY.data[at]);
      return product(name === "weight" ? [slope, { name: "x̂", value: cache.X_hat.data[at] }] : [slope]);
    });
  },
};

/** Normalize: Y = X/s − m/s. */
export const normalize = {
  value({ params, X, source }, index) {
    const at = Math.min(feature(X, index), params.std.data.length - 1);
    const over = { name: "1/s", value: 1 / params.std.data[at] };
    return [
      product([over, number(source, index, X.data[index])]),
      product([over, { name: "−m", value: -params.mean.data[at] }]),
    ];
  },

  gradient({ path, params, X }, dY, index) {
    const at = Math.min(feature(X, index), params.std.data.length - 1);
    return [product([number(path, index, dY.data[index]), { name: "1/s", value: 1 / params.std.data[at] }])];
  },
};

function feature(X, index) {
  return Math.floor(index / pixels_of(X.shape));
}

function sigma(layer, params, f) {
  return Math.sqrt(params.running_var.data[f] + layer.eps);
}
