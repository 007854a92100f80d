/**
 * What all layers have in common.
 *
 * A layer is an object with three pure functions; it stores nothing but its settings:
 *
 * - `shapes(shape) -> [arrays, output]`: the shapes of its arrays by name, and the shape of its
 *   output, given the shape of one example, without the batch.
 * - `forward(params, X, ctx) -> [Y, cache]`: the output, and what `backward` needs to know.
 * - `backward(params, cache, dY) -> [dX, gradients]`: the gradient of the loss with respect to X and
 *   to each parameter, given dY, the gradient of the loss with respect to Y.
 *
 * A layer with arrays that are not learned lists their names in `buffers`, and has a fourth
 * function: `update_buffers(params, cache)` returns their values after a training step.
 *
 * The settings of a layer have the names that they have in the model file.
 */

/**
 * Return a context: the information that a layer's functions receive besides params and X.
 *
 * - training: whether to run in training mode, in which dropout is active and batch norm uses the
 *   statistics of the batch.
 * - seed: the run's seed.
 * - step: the number of updates so far.
 * - layer: a number that encodes the layer's position in the network.
 */
export function context({ training = false, seed = 0, step = 0, layer = 0n } = {}) {
  return { training, seed, step, layer: BigInt(layer) };
}

/** Return the context of the layer at position `index` inside the layer of this context. */
export function inside(ctx, index) {
  return { ...ctx, layer: ctx.layer * 1000n + BigInt(index + 1) };
}
