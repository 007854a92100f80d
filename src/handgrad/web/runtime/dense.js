/** The linear layer. */

import { add_AB, add_ABt, add_AtB, zeros } from "./array.js";
import { ModelError, check_integer, shape_text } from "./errors.js";

/**
 * A linear layer: each output is a weighted sum of all inputs, plus a bias.
 *
 *     Y = X Wᵀ + b        X (N, I)   W (O, I)   b (O,)   Y (N, O)
 *
 *     dX = dY W           dW = dYᵀ X           db = Σₙ dY
 *
 * Settings: units, O, the number of outputs; or null for the number of classes of the network.
 */
export class Dense {
  constructor({ units = null } = {}) {
    this.units = units;
  }

  shapes(shape) {
    check_integer("units", this.units, 1);
    if (shape.length !== 1) {
      throw new ModelError(
        `takes flat input (I,), not ${shape_text(shape)}; put Flatten before it`,
      );
    }
    return [{ weight: [this.units, shape[0]], bias: [this.units] }, [this.units]];
  }

  /** X (N, I) -> Y (N, O). */
  forward(params, X, ctx) {
    const { weight: W, bias } = params, [N] = X.shape, O = W.shape[0];
    const Y = zeros([N, O]);
    for (let n = 0; n < N; n++) Y.data.set(bias.data, n * O);
    add_ABt(Y, X, W);
    return [Y, X];
  }

  /** dY (N, O) -> dX (N, I), dW (O, I), db (O,). */
  backward(params, cache, dY) {
    const X = cache, { weight: W, bias } = params, [N, O] = dY.shape;
    const dX = zeros(X.shape), dW = zeros(W.shape), db = zeros(bias.shape);
    add_AB(dX, dY, W);
    add_AtB(dW, dY, X);
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) db.data[o] += dY.data[n * O + o];
    }
    return [dX, { weight: dW, bias: db }];
  }
}
