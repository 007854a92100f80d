/** Layers that only change the shape of their input. */

import { reshape, size } from "./array.js";

/**
 * Flatten an image into one vector, channel by channel, row by row.
 *
 *     Y = X reshaped        X (N, C, H, W)   Y (N, C·H·W)        dX = dY reshaped back
 *
 * Arrays are stored in this order already, so no number moves: Y shares its data with X.
 */
export class Flatten {
  shapes(shape) {
    return [{}, [size(shape)]];
  }

  /** X (N, C, H, W) -> Y (N, C·H·W). */
  forward(params, X, ctx) {
    const [N, ...shape] = X.shape;
    return [reshape(X, [N, size(shape)]), X.shape];
  }

  /** dY (N, C·H·W) -> dX (N, C, H, W). */
  backward(params, cache, dY) {
    return [reshape(dY, cache), {}];
  }
}
