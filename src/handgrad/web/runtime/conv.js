/** Convolution. */

import { add_AB, add_ABt, add_AtB, example, reshape, zeros } from "./array.js";
import { check_integer } from "./errors.js";
import { check_window, col2im, im2col, output_size, pad, pair, unpad } from "./im2col.js";

/**
 * A convolution: a small linear layer that slides over the image.
 *
 *     Y[n,o,r,q] = Σ_{c,i,j} W[o,c,i,j] X[n,c, r·s+i, q·s+j] + b[o]
 *
 *     X (N, C, H, W), already padded with zeros   W (O, C, kh, kw)   b (O,)
 *     Y (N, O, rows, columns)   s stride
 *
 * With the windows of X as the columns of a matrix P (N, C·kh·kw, rows·columns) (im2col), the
 * convolution is a linear layer:
 *
 *     Y = W P + b         dP = Wᵀ dY        dW = Σₙ dY Pᵀ        db = Σ_{n,r,q} dY
 *
 * For dX, every element of dP is added to the pixel from which it was copied (col2im).
 *
 * Settings: channels, O, the number of output channels; kernel, stride and padding, each a number or
 * a pair [vertical, horizontal].
 */
export class Conv2d {
  constructor({ channels, kernel, stride = 1, padding = 0 }) {
    Object.assign(this, { channels, kernel, stride, padding });
  }

  shapes(shape) {
    const kernel = pair(this.kernel);
    check_integer("channels", this.channels, 1);
    check_window(kernel, pair(this.stride), pair(this.padding));
    const output = [this.channels, ...this.size(shape)];
    return [{ weight: [this.channels, shape[0], ...kernel], bias: [this.channels] }, output];
  }

  /** X (N, C, H, W) -> Y (N, O, rows, columns). */
  forward(params, X, ctx) {
    const { weight, bias } = params, [N] = X.shape, O = this.channels;
    const output = this.size(X.shape.slice(1)), count = output[0] * output[1];
    X = pad(X, pair(this.padding));
    const P = im2col(X, pair(this.kernel), pair(this.stride), output);

    const W = reshape(weight, [O, P.shape[1]]), Y = zeros([N, O, count]);
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) {
        Y.data.fill(bias.data[o], (n * O + o) * count, (n * O + o + 1) * count);
      }
      add_AB(example(Y, n), W, example(P, n));
    }
    return [reshape(Y, [N, O, ...output]), { P, padded: X.shape }];
  }

  /** dY (N, O, rows, columns) -> dX (N, C, H, W), dW (O, C, kh, kw), db (O,). */
  backward(params, cache, dY) {
    const { P, padded } = cache, [N, O, ...output] = dY.shape, count = output[0] * output[1];
    const W = reshape(params.weight, [O, P.shape[1]]);
    const dP = zeros(P.shape), dW = zeros(W.shape), db = zeros([O]);
    dY = reshape(dY, [N, O, count]);
    for (let n = 0; n < N; n++) {
      add_AtB(example(dP, n), W, example(dY, n));
      add_ABt(dW, example(dY, n), example(P, n));
    }
    for (let i = 0; i < dY.data.length; i++) db.data[Math.floor(i / count) % O] += dY.data[i];

    const dX = col2im(dP, padded, pair(this.kernel), pair(this.stride), output);
    const gradients = { weight: reshape(dW, params.weight.shape), bias: db };
    return [unpad(dX, pair(this.padding)), gradients];
  }

  /** Return the number of windows, [rows, columns], in an image of shape (C, H, W). */
  size(shape) {
    return output_size(shape, pair(this.kernel), pair(this.stride), pair(this.padding));
  }
}
