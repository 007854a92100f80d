/**
 * Arrays. An array is an object {shape, data}: its sizes, and its numbers in row-major order.
 *
 * The element [n, c, h, w] of an array of shape (N, C, H, W) is data[((n·C + c)·H + h)·W + w].
 * Every array of numbers is a Float64Array: all computations are in double precision.
 *
 * The functions below return new arrays. Only the three matrix products write into an argument,
 * to which they add.
 */

import { DataError } from "./errors.js";

/** Return the number of elements of an array with this shape. */
export function size(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * Return an array with the given shape and values, which are converted to double precision.
 * A Float64Array is used as it is, without a copy.
 */
export function array(shape, values) {
  if (values.length !== size(shape)) {
    throw new DataError(`an array of shape (${shape}) cannot have ${values.length} values`);
  }
  return { shape, data: values instanceof Float64Array ? values : Float64Array.from(values) };
}

/** Return an array of zeros. */
export function zeros(shape) {
  return { shape, data: new Float64Array(size(shape)) };
}

/** Return an array of which every element has the same value. */
export function full(shape, value) {
  return { shape, data: new Float64Array(size(shape)).fill(value) };
}

/** Return a copy of an array. */
export function copy(X) {
  return { shape: X.shape, data: X.data.slice() };
}

/** Return the same numbers with another shape; both arrays share their data. */
export function reshape(X, shape) {
  return { shape, data: X.data };
}

/** Return the array of f(x) for each element x. */
export function map(X, f) {
  const Y = zeros(X.shape), x = X.data, y = Y.data;
  for (let i = 0; i < x.length; i++) y[i] = f(x[i]);
  return Y;
}

/** Return the array of f(x, z) for each pair of elements of two arrays of the same shape. */
export function map2(X, Z, f) {
  const Y = zeros(X.shape), x = X.data, z = Z.data, y = Y.data;
  for (let i = 0; i < x.length; i++) y[i] = f(x[i], z[i]);
  return Y;
}

/** Return X + Z. */
export function add(X, Z) {
  return map2(X, Z, (x, z) => x + z);
}

/** Return the n-th example of a batch, X[n]; it shares its data with X. */
export function example(X, n) {
  const shape = X.shape.slice(1), length = size(shape);
  return { shape, data: X.data.subarray(n * length, (n + 1) * length) };
}

/**
 * Matrix product: Y += A B.
 *
 *     Y[r,c] += Σₖ A[r,k] B[k,c]        A (R, K)   B (K, C)   Y (R, C)
 */
export function add_AB(Y, A, B) {
  const [R, K] = A.shape;
  for (let r = 0; r < R; r++) add_rows(Y.data, r, A.data, r * K, 1, B);
}

/**
 * Matrix product: Y += Aᵀ B.
 *
 *     Y[r,c] += Σₖ A[k,r] B[k,c]        A (K, R)   B (K, C)   Y (R, C)
 */
export function add_AtB(Y, A, B) {
  const R = A.shape[1];
  for (let r = 0; r < R; r++) add_rows(Y.data, r, A.data, r, R, B);
}

/**
 * Matrix product: Y += A Bᵀ.
 *
 *     Y[r,c] += Σₖ A[r,k] B[c,k]        A (R, K)   B (C, K)   Y (R, C)
 */
export function add_ABt(Y, A, B) {
  const [R, K] = A.shape, C = B.shape[0], y = Y.data, a = A.data, b = B.data;
  for (let r = 0; r < R; r++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a[r * K + k] * b[c * K + k];
      y[r * C + c] += sum;
    }
  }
}

/**
 * Add a weighted sum of the rows of B to row r of Y: Y[r,c] += Σₖ a[from + k·step] B[k,c].
 *
 * The innermost loops run along rows, whose numbers are contiguous in memory. Four rows of B at a
 * time need only one pass over the row of Y.
 */
function add_rows(y, r, a, from, step, B) {
  const [K, C] = B.shape, b = B.data, row = r * C;
  let k = 0;
  for (; k + 4 <= K; k += 4) {
    const at = from + k * step, b0 = k * C, b1 = b0 + C, b2 = b1 + C, b3 = b2 + C;
    const a0 = a[at], a1 = a[at + step], a2 = a[at + 2 * step], a3 = a[at + 3 * step];
    for (let c = 0; c < C; c++) {
      y[row + c] += a0 * b[b0 + c] + a1 * b[b1 + c] + a2 * b[b2 + c] + a3 * b[b3 + c];
    }
  }
  for (; k < K; k++) {
    const factor = a[from + k * step];
    for (let c = 0; c < C; c++) y[row + c] += factor * b[k * C + c];
  }
}
