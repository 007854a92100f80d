/** Normalization layers, which use the statistics of the batch or of the training set. */

import { map, map2, size, zeros } from "./array.js";
import { ModelError, in_range, text } from "./errors.js";

/**
 * Batch normalization: scale each feature to mean 0 and variance 1, then scale and shift it.
 *
 *     X̂ = (X − μ)/σ        σ = sqrt(var + ε)        Y = γ X̂ + β
 *
 *     X (N, F), or X (N, F, H, W), in which every pixel counts as an example; γ, β, μ, σ (F,)
 *
 *     dγ = Σ dY X̂          dβ = Σ dY
 *
 * In training, μ and σ are computed from the batch and therefore depend on X:
 *
 *     dX = γ/σ · (dY − mean(dY) − X̂ · mean(dY X̂))
 *
 * At inference, μ and σ are the running statistics, which do not depend on X: dX = γ/σ · dY. The
 * running variance is unbiased (divided by count − 1).
 *
 * Settings: eps, ε, a small number that prevents a division by zero; momentum, the weight of the
 * current batch when the running statistics are updated.
 */
export class BatchNorm {
  constructor({ eps = 1e-5, momentum = 0.1 } = {}) {
    Object.assign(this, { eps, momentum });
  }

  get buffers() {
    return ["running_mean", "running_var"];
  }

  shapes(shape) {
    if (this.eps === 0 || !in_range(this.eps, 0, Infinity)) {
      throw new ModelError(`eps must be above 0, not ${text(this.eps)}`);
    }
    if (this.momentum !== 1 && !in_range(this.momentum, 0, 1)) {
      throw new ModelError(`momentum must be between 0 and 1, not ${text(this.momentum)}`);
    }
    const F = [shape[0]];
    return [{ weight: F, bias: F, running_mean: F, running_var: F }, shape];
  }

  /** X (N, F) or (N, F, H, W) -> Y, the same shape. */
  forward(params, X, ctx) {
    const { weight, bias, running_mean, running_var } = params, { training } = ctx;
    const mean = training ? feature_mean(X) : running_mean;
    const centered = map_features(X, (x, f) => x - mean.data[f]);
    const var_ = training ? feature_mean(map(centered, (x) => x * x)) : running_var;
    const std = map(var_, (v) => Math.sqrt(v + this.eps));
    const X_hat = map_features(centered, (x, f) => x / std.data[f]);
    const Y = map_features(X_hat, (x, f) => x * weight.data[f] + bias.data[f]);
    return [Y, { X_hat, mean, var: var_, std, training }];
  }

  /** dY -> dX, the same shape, dγ (F,), dβ (F,). */
  backward(params, cache, dY) {
    const { X_hat, std, training } = cache;
    const dY_X_hat = map2(dY, X_hat, (dy, x) => dy * x);
    const gradients = { weight: feature_sum(dY_X_hat), bias: feature_sum(dY) };
    let dX = dY;
    if (training) {
      const mean = feature_mean(dY).data, slope = feature_mean(dY_X_hat).data, x = X_hat.data;
      dX = map_features(dY, (dy, f, i) => dy - mean[f] - x[i] * slope[f]);
    }
    const scale = map2(params.weight, std, (gamma, sigma) => gamma / sigma).data;
    return [map_features(dX, (dx, f) => dx * scale[f]), gradients];
  }

  /** Return the running statistics after a training step on this batch. */
  update_buffers(params, cache) {
    const { X_hat, mean, var: var_ } = cache, keep = 1 - this.momentum;
    const count = X_hat.data.length / X_hat.shape[1];
    if (count === 1) return {}; // a single number has no variance
    const unbiased = map(var_, (v) => v * (count / (count - 1)));
    const blend = (old, new_) => keep * old + this.momentum * new_;
    return {
      running_mean: map2(params.running_mean, mean, blend),
      running_var: map2(params.running_var, unbiased, blend),
    };
  }
}

/**
 * Scale each channel to mean 0 and standard deviation 1 over the training set.
 *
 *     Y = (X − m)/s        X (N, C, H, W), m and s (C,); or X (N, I), m and s (1,)
 *
 *     dX = dY/s
 *
 * m and s are not learned. They were computed once from the training images, and the model file
 * contains them. The settings `mean` and `std` are the values that were given instead, or null.
 */
export class Normalize {
  constructor({ mean = null, std = null } = {}) {
    Object.assign(this, { mean, std });
  }

  get buffers() {
    return ["mean", "std"];
  }

  shapes(shape) {
    const channels = shape.length === 3 ? shape[0] : 1;
    return [{ mean: [channels], std: [channels] }, shape];
  }

  /** X (N, C, H, W) or (N, I) -> Y, the same shape. */
  forward(params, X, ctx) {
    const m = params.mean.data, s = params.std.data, last = m.length - 1;
    return [map_features(X, (x, f) => (x - m[Math.min(f, last)]) / s[Math.min(f, last)]), null];
  }

  /** dY -> dX, the same shape. */
  backward(params, cache, dY) {
    const s = params.std.data, last = s.length - 1;
    return [map_features(dY, (dy, f) => dy / s[Math.min(f, last)]), {}];
  }

  /** Return no buffers, because a training step does not change mean and std. */
  update_buffers(params, cache) {
    return {};
  }
}

/** Return f(x, feature, index) for each element; axis 1 of X (N, F, ...) is that of the features. */
function map_features(X, f) {
  const [N, F] = X.shape, pixels = size(X.shape.slice(2)), Y = zeros(X.shape);
  for (let n = 0, i = 0; n < N; n++) {
    for (let feature = 0; feature < F; feature++) {
      for (let p = 0; p < pixels; p++, i++) Y.data[i] = f(X.data[i], feature, i);
    }
  }
  return Y;
}

/** Return the sum (F,) over all axes except axis 1. */
function feature_sum(X) {
  const [N, F] = X.shape, pixels = size(X.shape.slice(2)), sum = zeros([F]);
  for (let n = 0, i = 0; n < N; n++) {
    for (let feature = 0; feature < F; feature++) {
      for (let p = 0; p < pixels; p++, i++) sum.data[feature] += X.data[i];
    }
  }
  return sum;
}

/** Return the mean (F,) over all axes except axis 1. */
function feature_mean(X) {
  const count = X.data.length / X.shape[1];
  return map(feature_sum(X), (sum) => sum / count);
}
