/* What the tests of the view Inside call: each function takes plain data, and returns plain data. */
"use strict";

const to_array = ({ shape, data }) => ({ shape, data: Float64Array.from(data) });
const sum = (terms) => terms.reduce((total, { value }) => total + value, 0);
let network = null, trace = null;

const tests = {
  network: ({ description, arrays }) => {
    const own = Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, to_array(v)]));
    network = inside.build_network(description, own);
  },
  trace: ({ image, label }) => {
    trace = new inside.Trace(network, to_array(image), label);
    return trace.paths;
  },
  values: ({ path, indices }) => indices.map((i) => sum(inside.value_terms(trace, path, i))),
  gradients: ({ path, indices }) => indices.map((i) => sum(inside.gradient_terms(trace, path, i))),
  parameters: ({ array, indices }) => indices.map((i) => sum(inside.parameter_terms(trace, array, i))),
  factors: ({ path, index }) => inside.value_terms(trace, path, index).map(({ value, factors, of }) => [value, factors, of]),
  kinds: () => Object.keys(inside.TERMS),
  field: ({ path, index }) => Object.fromEntries(inside.receptive_field(trace, path, index)),
  prove: ({ array, index, h }) => inside.prove(trace, array, index, h),
  exact_loss: ({ logits, label }) => inside.exact_loss(Float64Array.from(logits), label),
  edited: ({ edits, images }) => {
    const other = inside.edited(network, edits);
    const arrays = Object.entries(other.arrays).map(([name, { data }]) => [name, Array.from(data)]);
    const [Z] = other.forward(to_array(images));
    const text = inside.write_edits(edits);
    return { arrays: Object.fromEntries(arrays), logits: Array.from(Z.data), again: inside.read_edits(text, network).edits };
  },
  occlusion: ({ image, k, temperature }) =>
    [...inside.occlusion(network, to_array(image), k, temperature)],
};

function call_json(name, json) {
  try {
    return JSON.stringify({ result: tests[name](JSON.parse(json)) ?? null });
  } catch (error) {
    return JSON.stringify({ error: error.message, kind: error.constructor.name });
  }
}
