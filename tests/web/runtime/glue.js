/* What the tests call: each function takes plain data, and returns plain data. */
"use strict";
const { array, context, LOSSES, OPTIMIZERS } = handgrad;

const to_array = ({ shape, data }) => array(shape, data);
const to_tree = (tree) =>
  Object.fromEntries(
    Object.entries(tree).map(([k, v]) => [k, "data" in v && "shape" in v ? to_array(v) : to_tree(v)]),
  );
const plain = (value) => {
  if (value === null || typeof value !== "object") return value;
  if (value.data instanceof Float64Array) return { shape: value.shape, data: Array.from(value.data) };
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
};

const tests = {
  shapes: ({ layer, shape }) => handgrad.build_layer(layer ?? undefined).shapes(shape),
  layer: ({ layer: description, params, X, ctx, dY }) => {
    const layer = handgrad.build_layer(description);
    [params, X, dY] = [to_tree(params), to_array(X), to_array(dY)];
    const [Y, cache] = layer.forward(params, X, context(ctx));
    const [dX, gradients] = layer.backward(params, cache, dY);
    const buffers = layer.buffers ? layer.update_buffers(params, cache) : {};
    return plain({ Y, dX, gradients, buffers });
  },
  loss: ({ kind, settings, Z, y, weights }) => {
    const [loss, dZ] = new LOSSES[kind](settings).value_and_gradient(to_array(Z), y, weights);
    return plain({ loss, dZ });
  },
  optimizer: ({ kind, settings, W, gradients, lrs }) => {
    const optimizer = new OPTIMIZERS[kind](settings);
    W = to_array(W);
    const state = handgrad.initial_state(optimizer, W), steps = [];
    gradients.forEach((dW, i) => {
      optimizer.update(W, to_array(dW), state, lrs[i], i + 1);
      steps.push(plain({ W, ...state }));
    });
    return steps;
  },
  clip: ({ gradients, limit }) => {
    gradients = to_tree(gradients);
    return plain({ norm: handgrad.clip_by_norm(gradients, limit), gradients });
  },
  uniforms: ({ seed, stream, place, count }) =>
    Array.from(handgrad.uniforms(handgrad.stream_key(seed, stream, ...place), count)),
  read: ({ bytes, name }) => {
    const model = handgrad.read_model(Uint8Array.from(bytes), name);
    tests.model = model;
    const { metadata, digest, golden, network } = model;
    const golden_logits = golden.logits && plain(golden.logits);
    const answer = golden.images && plain(network.forward(golden.images)[0]);
    return { metadata, digest, golden_logits, answer, names: Object.keys(network.arrays) };
  },
  network: ({ description, arrays }) => {
    tests.model = { network: handgrad.build_network(description, to_tree(arrays)) };
  },
  logits: ({ shape, json, bytes }) => {
    const data = JSON.parse(json);
    const images = { shape, data: bytes ? Uint8Array.from(data) : Float64Array.from(data) };
    return plain({ logits: tests.model.network.forward(images)[0] });
  },
  train: ({ kind, settings, images, labels, seed }) => {
    const { network } = tests.model, optimizer = new OPTIMIZERS[kind](settings), losses = [];
    const state = {};
    for (const name in network.parameters) {
      state[name] = handgrad.initial_state(optimizer, network.parameters[name]);
    }
    images.forEach((X, i) => {
      const ctx = context({ training: true, seed, step: i });
      const [logits, cache] = network.forward(to_array(X), ctx);
      const [loss, dlogits] = new LOSSES.SoftmaxCrossEntropy().value_and_gradient(logits, labels[i]);
      for (const [name, dW] of Object.entries(network.backward(cache, dlogits))) {
        optimizer.update(network.arrays[name], dW, state[name], optimizer.lr, i + 1);
      }
      network.update_buffers(cache);
      losses.push(loss);
    });
    return plain({ losses, arrays: network.arrays });
  },
  walk: ({ images, ctx, dlogits }) => {
    const { network } = tests.model, forward = [], backward = [], caches = [];
    for (const step of network.walk(to_array(images), context(ctx), { inner: true })) {
      if (!step.path.includes(".")) caches.push(step.cache);
      forward.push({ path: step.path, name: step.name, X: plain(step.X), Y: plain(step.Y) });
    }
    for (const step of network.walk_back(caches, to_array(dlogits), { inner: true })) {
      const { path, name, dX, dY, gradients } = step;
      backward.push({ path, name, dX: plain(dX), dY: plain(dY), gradients: plain(gradients) });
    }
    return { forward, backward };
  },
};

/** Call one of the functions with JSON, and return JSON: a result, or the message of an error. */
function call_json(name, json) {
  try {
    return JSON.stringify({ result: tests[name](JSON.parse(json)) ?? null });
  } catch (error) {
    return JSON.stringify({ error: error.message, kind: error.constructor.name });
  }
}
