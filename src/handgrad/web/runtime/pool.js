/** Pooling layers, which reduce the size of images. */

import { full, map, zeros } from "./array.js";
import { ModelError, shape_text } from "./errors.js";
import { check_window, each_pixel, output_size, pad, pair, unpad } from "./im2col.js";

/** What max pooling and average pooling share: their settings and the size of their output. */
class Pool2d {
  constructor({ kernel, stride = null, padding = 0 }) {
    Object.assign(this, { kernel, stride, padding });
  }

  shapes(shape) {
    const { kernel, stride, padding } = this.window();
    check_window(kernel, stride, padding);
    for (const axis of [0, 1]) {
      if (padding[axis] > Math.floor(kernel[axis] / 2)) {
        // a window could lie in the padding entirely
        throw new ModelError(`padding must be at most half the window, not ${padding[axis]}`);
      }
    }
    return [{}, [shape[0], ...output_size(shape, kernel, stride, padding)]];
  }

  /** Return kernel, stride and padding as pairs; the default stride is the kernel size. */
  window() {
    const { kernel, stride, padding } = this;
    return { kernel: pair(kernel), stride: pair(stride ?? kernel), padding: pair(padding) };
  }
}

/**
 * Max pooling: the largest number in each window.
 *
 *     Y[n,c,r,q] = max_{i,j} X[n,c, r·s+i, q·s+j]        X (N, C, H, W)   Y (N, C, rows, columns)
 *
 *     dX: each dY is added to the largest pixel of its window, or to the first of several equal ones
 *
 * Settings: kernel, the height and width of the window; stride, or null for the size of the window;
 * padding, the number of rows and columns added on each side, with the value minus infinity.
 */
export class MaxPool2d extends Pool2d {
  /** X (N, C, H, W) -> Y (N, C, rows, columns). */
  forward(params, X, ctx) {
    const { kernel, stride, padding } = this.window();
    const output = output_size(X.shape.slice(1), kernel, stride, padding);
    X = pad(X, padding, -Infinity);
    const [N, C, H, W] = X.shape, count = output[0] * output[1], x = X.data;
    const Y = full([N, C, ...output], -Infinity), y = Y.data;
    const argmax = new Int32Array(y.length); // the index in X of each output's largest pixel
    for (let channel = 0; channel < N * C; channel++) {
      each_pixel(channel * H * W, W, kernel, stride, output, (pixel, place, offset) => {
        const at = channel * count + place;
        if (offset === 0 || x[pixel] > y[at]) argmax[at] = pixel;
        y[at] = Math.max(x[pixel], y[at]);
      });
    }
    return [Y, { argmax, padded: X.shape }];
  }

  /** dY (N, C, rows, columns) -> dX (N, C, H, W). */
  backward(params, cache, dY) {
    const { argmax, padded } = cache, dX = zeros(padded);
    for (let i = 0; i < argmax.length; i++) dX.data[argmax[i]] += dY.data[i];
    return [unpad(dX, this.window().padding), {}];
  }
}

/**
 * Average pooling: the mean of each window.
 *
 *     Y[n,c,r,q] = 1/(kh·kw) Σ_{i,j} X[n,c, r·s+i, q·s+j]  X (N, C, H, W)  Y (N, C, rows, columns)
 *
 *     dX: each dY/(kh·kw) is added to every pixel of its window
 *
 * Settings: kernel, the height and width of the window; stride, or null for the size of the window;
 * padding, the number of rows and columns of zeros added on each side; the mean includes them.
 */
export class AvgPool2d extends Pool2d {
  /** X (N, C, H, W) -> Y (N, C, rows, columns). */
  forward(params, X, ctx) {
    const { kernel, stride, padding } = this.window();
    const output = output_size(X.shape.slice(1), kernel, stride, padding);
    X = pad(X, padding);
    const [N, C, H, W] = X.shape, count = output[0] * output[1], x = X.data;
    const Y = zeros([N, C, ...output]), y = Y.data;
    for (let channel = 0; channel < N * C; channel++) {
      each_pixel(channel * H * W, W, kernel, stride, output, (pixel, place) => {
        y[channel * count + place] += x[pixel];
      });
    }
    return [map(Y, (sum) => sum / (kernel[0] * kernel[1])), X.shape];
  }

  /** dY (N, C, rows, columns) -> dX (N, C, H, W). */
  backward(params, cache, dY) {
    const { kernel, stride, padding } = this.window(), padded = cache;
    const [N, C, H, W] = padded, output = dY.shape.slice(2), count = output[0] * output[1];
    const share = map(dY, (dy) => dy / (kernel[0] * kernel[1])).data;
    const dX = zeros(padded), dx = dX.data;
    for (let channel = 0; channel < N * C; channel++) {
      each_pixel(channel * H * W, W, kernel, stride, output, (pixel, place) => {
        dx[pixel] += share[channel * count + place];
      });
    }
    return [unpad(dX, padding), {}];
  }
}

/**
 * The mean of each channel over the whole image.
 *
 *     Y[n,c] = 1/(H·W) Σ_{h,w} X[n,c,h,w]        X (N, C, H, W)   Y (N, C)
 *
 *     dX[n,c,h,w] = dY[n,c] / (H·W)
 */
export class GlobalAvgPool2d {
  shapes(shape) {
    if (shape.length !== 3) {
      throw new ModelError(`takes images (C, H, W), not ${shape_text(shape)}`);
    }
    return [{}, [shape[0]]];
  }

  /** X (N, C, H, W) -> Y (N, C). */
  forward(params, X, ctx) {
    const [N, C, H, W] = X.shape, Y = zeros([N, C]);
    for (let channel = 0; channel < N * C; channel++) {
      let sum = 0;
      for (let p = 0; p < H * W; p++) sum += X.data[channel * H * W + p];
      Y.data[channel] = sum / (H * W);
    }
    return [Y, X.shape];
  }

  /** dY (N, C) -> dX (N, C, H, W). */
  backward(params, cache, dY) {
    const [N, C, H, W] = cache, dX = zeros(cache), pixels = H * W;
    for (let channel = 0; channel < N * C; channel++) {
      dX.data.fill(dY.data[channel] / pixels, channel * pixels, (channel + 1) * pixels);
    }
    return [dX, {}];
  }
}
