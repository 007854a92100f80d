// How each number and each gradient is computed: a sum of terms, each a product of factors.
//
// A layer's entry in `TERMS` has up to three functions, which return lists of terms (see term.js):
// - value(step, index): the terms whose sum is the number Y[index].
// - gradient(step, dY, index): the terms whose sum is dX[index].
// - parameter(step, dY, name, index): the terms whose sum is the gradient of one weight or bias.
// `step` is an entry of `Trace.steps`.

import { softmax } from "../../runtime/losses.js";
import { batch_norm, conv, dense, normalize } from "./linear_terms.js";
import { avg_pool, container, global_avg_pool, logistic, max_pool, rectifier, same, silu, tanh } from "./other_terms.js";
import { number, product } from "./term.js";
import { INPUT } from "./trace.js";

/** The functions by the name of the layer's class. */
export const TERMS = {
  AvgPool2d: avg_pool,
  BatchNorm: batch_norm,
  Conv2d: conv,
  Dense: dense,
  Dropout: same,
  Dropout2d: same,
  Flatten: same,
  GlobalAvgPool2d: global_avg_pool,
  LeakyReLU: rectifier,
  MaxPool2d: max_pool,
  Normalize: normalize,
  ReLU: rectifier,
  Residual: container,
  Sequential: container,
  SiLU: silu,
  Sigmoid: logistic,
  Tanh: tanh,
};

/** Return the terms whose sum is the number at a path and index, or [] for a pixel of the image. */
export function value_terms(trace, path, index) {
  if (path === INPUT) return [];
  const step = trace.steps.get(path);
  return TERMS[step.layer.constructor.name].value(step, index, trace);
}

/** Return the terms whose sum is the gradient of the loss with respect to a number. */
export function gradient_terms(trace, path, index) {
  return trace.users.get(path).flatMap(({ path: user, kind }) => {
    if (kind === "loss") return loss_terms(trace, index);
    const dY = trace.back.get(user).dY;
    if (kind === "sum") return [product([number(user, index, dY.data[index])])];
    const step = trace.steps.get(user);
    return TERMS[step.layer.constructor.name].gradient(step, dY, index);
  });
}

/** Return the terms whose sum is the gradient of the loss with respect to a weight or bias. */
export function parameter_terms(trace, array, index) {
  const at = array.lastIndexOf("."), step = trace.steps.get(array.slice(0, at));
  const dY = trace.back.get(step.path).dY;
  return TERMS[step.layer.constructor.name].parameter(step, dY, array.slice(at + 1), index);
}

/** dL/dZ = p − onehot(y): p[k] − 1 for the label, and p[k] for other classes. */
function loss_terms({ logits, label }, k) {
  const p = product([{ name: `p[${k}]`, value: softmax(logits).data[k] }]);
  return k === label ? [p, product([{ name: `−onehot(y)[${k}]`, value: -1 }])] : [p];
}
