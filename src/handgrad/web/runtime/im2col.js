/** Sliding windows over images, for convolution and pooling, and the adjoint operations. */

import { full, zeros } from "./array.js";
import { ModelError, check_integer, shape_text, text } from "./errors.js";

/** Return [value, value] if value is a number; return a pair [height, width] unchanged. */
export function pair(value) {
  return Array.isArray(value) ? value : [value, value];
}

/** Throw a ModelError unless kernel, stride and padding are pairs of integers in range. */
export function check_window(kernel, stride, padding) {
  const least = { kernel: 1, stride: 1, padding: 0 };
  for (const [name, sizes] of Object.entries({ kernel, stride, padding })) {
    if (sizes.length !== 2) throw new ModelError(`${name} must be a pair, not ${text(sizes)}`);
    for (const value of sizes) check_integer(name, value, least[name]);
  }
}

/** Return the number of windows, [rows, columns], in an image of shape (C, H, W). */
export function output_size(shape, kernel, stride, padding) {
  if (shape.length !== 3) throw new ModelError(`takes images (C, H, W), not ${shape_text(shape)}`);
  const padded = [0, 1].map((axis) => shape[axis + 1] + 2 * padding[axis]);
  if (padded[0] < kernel[0] || padded[1] < kernel[1]) {
    throw new ModelError(
      `its ${kernel[0]}x${kernel[1]} window does not fit into ${padded[0]}x${padded[1]} ` +
        "(padding included); use a smaller window, more padding, or less pooling before it",
    );
  }
  return [0, 1].map((axis) => Math.floor((padded[axis] - kernel[axis]) / stride[axis]) + 1);
}

/** Return X (N, C, H, W) with [top, left] rows and columns of `value` added on each side. */
export function pad(X, padding, value = 0) {
  const [top, left] = padding, [N, C, H, W] = X.shape;
  if (top === 0 && left === 0) return X;
  const width = W + 2 * left, padded = full([N, C, H + 2 * top, width], value);
  for (let image = 0; image < N * C; image++) {
    for (let h = 0; h < H; h++) {
      const from = (image * H + h) * W, to = (image * (H + 2 * top) + top + h) * width + left;
      padded.data.set(X.data.subarray(from, from + W), to);
    }
  }
  return padded;
}

/** Remove the padding from X (N, C, H, W), which is the adjoint of `pad`. */
export function unpad(X, padding) {
  const [top, left] = padding, [N, C, height, width] = X.shape;
  if (top === 0 && left === 0) return X;
  const H = height - 2 * top, W = width - 2 * left, Y = zeros([N, C, H, W]);
  for (let image = 0; image < N * C; image++) {
    for (let h = 0; h < H; h++) {
      const from = (image * height + top + h) * width + left;
      Y.data.set(X.data.subarray(from, from + W), (image * H + h) * W);
    }
  }
  return Y;
}

/**
 * Call visit(x, w, i·kw + j) for each pixel of each window of one channel.
 *
 * A channel is an image of H rows and W columns, whose first pixel has the index `start`. x is the
 * index of the pixel (r·stride + i, q·stride + j), and w = r·columns + q is the number of the window.
 */
export function each_pixel(start, W, kernel, stride, output, visit) {
  const [kh, kw] = kernel, [down, across] = stride, [rows, columns] = output;
  for (let i = 0; i < kh; i++) {
    for (let j = 0; j < kw; j++) {
      for (let r = 0; r < rows; r++) {
        const row = start + (r * down + i) * W + j;
        for (let q = 0; q < columns; q++) visit(row + q * across, r * columns + q, i * kw + j);
      }
    }
  }
}

/**
 * im2col: return the windows of X as the columns of a matrix.
 *
 *     P[n, (c,i,j), (r,q)] = X[n, c, r·s+i, q·s+j]
 *
 * X (N, C, H, W), already padded   P (N, C·kh·kw, rows·columns)
 */
export function im2col(X, kernel, stride, output) {
  const [N, C, H, W] = X.shape, window = kernel[0] * kernel[1], count = output[0] * output[1];
  const P = zeros([N, C * window, count]), x = X.data, p = P.data;
  for (let channel = 0; channel < N * C; channel++) {
    const at = channel * window * count;
    each_pixel(channel * H * W, W, kernel, stride, output, (pixel, place, offset) => {
      p[at + offset * count + place] = x[pixel];
    });
  }
  return P;
}

/**
 * col2im, the adjoint of im2col: add every element of dP to the pixel from which it was copied.
 *
 * dP (N, C·kh·kw, rows·columns) -> dX (N, C, H, W), the given shape
 */
export function col2im(dP, shape, kernel, stride, output) {
  const [N, C, H, W] = shape, window = kernel[0] * kernel[1], count = output[0] * output[1];
  const dX = zeros(shape), dx = dX.data, dp = dP.data;
  for (let channel = 0; channel < N * C; channel++) {
    const at = channel * window * count;
    each_pixel(channel * H * W, W, kernel, stride, output, (pixel, place, offset) => {
      dx[pixel] += dp[at + offset * count + place];
    });
  }
  return dX;
}
