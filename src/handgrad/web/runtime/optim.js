/**
 * Optimizers, one class per update rule, starting with the simplest.
 *
 * `update(W, dW, state, lr, t)` changes one parameter W in place, given the gradient dW of the loss
 * with respect to W. `state` has the arrays that the optimizer keeps for W between updates; their
 * names are in `state_names`, they have the shape of W, and they start at zero. `lr` is the learning
 * rate of this update, and t its number, counted from 1.
 */

import { zeros } from "./array.js";
import { ConfigError, in_range, text } from "./errors.js";

/**
 * Gradient descent.
 *
 *     W ← W − η (dW + λW)
 *
 * Settings: lr, η, the learning rate; weight_decay, λ, the rate at which every parameter decays
 * towards zero.
 */
export class SGD {
  static state_names = [];

  constructor({ lr = 0.01, weight_decay = 0 } = {}) {
    check_range({ lr, weight_decay });
    Object.assign(this, { lr, weight_decay });
  }

  update(W, dW, state, lr, t) {
    const w = W.data, dw = dW.data;
    for (let i = 0; i < w.length; i++) w[i] -= lr * (dw[i] + this.weight_decay * w[i]);
  }
}

/**
 * Gradient descent with momentum, a running sum of gradients.
 *
 *     V ← μV + (dW + λW)        W ← W − ηV        with Nesterov: W ← W − η (dW + λW + μV)
 *
 * I. Sutskever et al. 2013, "On the importance of initialization and momentum", section 2,
 * in the form that PyTorch uses.
 *
 * Settings: lr, η, the learning rate; momentum, μ, the factor by which the running sum V is
 * multiplied at each step; nesterov, whether to use Nesterov's momentum; weight_decay, λ, the rate
 * at which every parameter decays towards zero.
 */
export class Momentum {
  static state_names = ["velocity"];

  constructor({ lr = 0.01, momentum = 0.9, nesterov = false, weight_decay = 0 } = {}) {
    check_range({ lr, weight_decay });
    check_below_one({ momentum });
    Object.assign(this, { lr, momentum, nesterov, weight_decay });
  }

  update(W, dW, state, lr, t) {
    const w = W.data, v = state.velocity.data;
    for (let i = 0; i < w.length; i++) {
      const g = dW.data[i] + this.weight_decay * w[i];
      v[i] = this.momentum * v[i] + g;
      w[i] -= lr * (this.nesterov ? g + this.momentum * v[i] : v[i]);
    }
  }
}

/**
 * Adam, which computes each step from running means of the gradient and of its square.
 *
 *     M ← β₁M + (1 − β₁) dW             V ← β₂V + (1 − β₂) dW²
 *
 *     M̂ = M/(1 − β₁ᵗ)                   V̂ = V/(1 − β₂ᵗ)             W ← W − η M̂/(√V̂ + ε)
 *
 * M and V start at zero and are too small at first; M̂ and V̂ correct this bias.
 *
 * D. Kingma, J. Ba 2015, "Adam", algorithm 1.
 *
 * Settings: lr, η, the learning rate; beta1, β₁, the decay rate of the running mean of the gradient;
 * beta2, β₂, that of the squared gradient; eps, ε, a small number that prevents a division by zero.
 */
export class Adam {
  static state_names = ["mean", "square"];

  constructor({ lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 } = {}) {
    check_range({ lr });
    check_above_zero({ eps });
    check_below_one({ beta1, beta2 });
    Object.assign(this, { lr, beta1, beta2, eps });
  }

  update(W, dW, state, lr, t) {
    const m = state.mean.data, v = state.square.data, { beta1, beta2, eps } = this;
    for (let i = 0; i < m.length; i++) {
      const g = dW.data[i];
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const m_hat = m[i] / (1 - beta1 ** t), v_hat = v[i] / (1 - beta2 ** t);
      W.data[i] -= (lr * m_hat) / (Math.sqrt(v_hat) + eps);
    }
  }
}

/**
 * Adam with decoupled weight decay: the decay is applied to the parameter, not the gradient.
 *
 *     W ← W − η λ W        then as Adam
 *
 * I. Loshchilov, F. Hutter 2019, "Decoupled weight decay regularization", algorithm 2.
 *
 * Settings: those of Adam, and weight_decay, λ, the rate at which every parameter decays towards
 * zero.
 */
export class AdamW extends Adam {
  constructor({ weight_decay = 0.01, ...settings } = {}) {
    super(settings);
    check_range({ weight_decay });
    this.weight_decay = weight_decay;
  }

  update(W, dW, state, lr, t) {
    for (let i = 0; i < W.data.length; i++) W.data[i] *= 1 - lr * this.weight_decay;
    super.update(W, dW, state, lr, t);
  }
}

/** Return the arrays of zeros that an optimizer keeps for a parameter, by name. */
export function initial_state(optimizer, W) {
  const names = optimizer.constructor.state_names;
  return Object.fromEntries(names.map((name) => [name, zeros(W.shape)]));
}

/**
 * Scale all gradients in place so that their total norm is at most `limit`, and return the norm.
 *
 *     ‖g‖ = √(Σ g²) over all arrays        g ← g · limit/‖g‖ where ‖g‖ > limit
 *
 * R. Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
 */
export function clip_by_norm(gradients, limit) {
  check_above_zero({ limit });
  let squares = 0;
  for (const g of Object.values(gradients)) for (const x of g.data) squares += x * x;
  const norm = Math.sqrt(squares);
  if (norm > limit) {
    for (const g of Object.values(gradients)) {
      for (let i = 0; i < g.data.length; i++) g.data[i] *= limit / norm;
    }
  }
  return norm;
}

function check_range(settings) {
  for (const [name, value] of Object.entries(settings)) {
    if (!in_range(value, 0, Infinity)) {
      throw new ConfigError(`${name} must be a number of at least 0, not ${text(value)}`);
    }
  }
}

function check_above_zero(settings) {
  for (const [name, value] of Object.entries(settings)) {
    if (value === 0 || !in_range(value, 0, Infinity)) {
      throw new ConfigError(`${name} must be a number above 0, not ${text(value)}`);
    }
  }
}

function check_below_one(settings) {
  for (const [name, value] of Object.entries(settings)) {
    if (!in_range(value, 0, 1)) {
      throw new ConfigError(`${name} must be at least 0 and below 1, not ${text(value)}`);
    }
  }
}
