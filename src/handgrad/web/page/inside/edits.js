// Edits of a network in the lab. web/edits.py applies the same edits, and documents them.
//
// An edit is {kind, array, index, value}; what a kind does not use is null:
// - weight: the element `index` of `array`, such as "3.weight", becomes `value`;
//   "array" is a parameter, and not a buffer such as a running mean.
// - off: `array` is a layer's path, such as "3"; its output (channel) `index` becomes 0.
// - prune: of all weights of linear layers and convolutions, or of those in `array`, the `value` percent
//   with the smallest magnitude become 0.
// - temperature: the logits are divided by `value` before the softmax.

import { ModelError } from "../../runtime/errors.js";
import { Network } from "../../runtime/network.js";

export const MAX_EDITS = 40; // that an address contains
const MAX_WEIGHT = 1e4; // the largest magnitude of a new weight

/** Return a copy of a network with edits, in order. */
export function edited(network, edits) {
  const arrays = Object.fromEntries(Object.entries(network.arrays).map(([name, { shape, data }]) =>
    [name, { shape, data: data.slice() }]));
  const round = network.dtype === "float32" ? Math.fround : (x) => x;
  for (const edit of edits) {
    check(edit, network);
    if (edit.kind === "weight") arrays[edit.array].data[edit.index] = round(edit.value);
    if (edit.kind === "off") switch_off(arrays, edit);
    if (edit.kind === "prune") prune(arrays, edit);
  }
  const { layers, shape, classes, dtype } = network;
  return new Network({ layers, shape, classes, dtype }, arrays);
}

/** Return the temperature after edits; `before` is that of the model. */
export function temperature_of(edits, before) {
  return edits.filter(({ kind }) => kind === "temperature").at(-1)?.value ?? before;
}

/** Throw a ModelError unless an edit fits a network. */
function check({ kind, array, index, value }, { arrays, parameters }) {
  const own = (name) => Object.hasOwn(arrays, name);
  const is_index = (name, length) => own(name) && Number.isInteger(index) && index >= 0 && index < length;
  const fits = {
    weight: () => Object.hasOwn(parameters, array) && is_index(array, arrays[array].data.length) &&
      value !== null && Math.abs(value) <= MAX_WEIGHT,
    off: () => own(`${array}.weight`) && is_index(`${array}.weight`, arrays[`${array}.weight`].shape[0]) && value === null,
    prune: () => (array === null || (own(array) && is_matrix([array, arrays[array]]))) && index === null && value >= 0 && value <= 100,
    temperature: () => array === null && index === null && value >= 0.01 && value <= 100,
  };
  if (!Object.hasOwn(fits, kind) || !fits[kind]()) throw new ModelError("an edit does not fit this network");
}

function switch_off(arrays, { array, index }) {
  for (const name of ["weight", "bias"]) {
    const { shape, data } = arrays[`${array}.${name}`], row = data.length / shape[0];
    data.fill(0, index * row, (index + 1) * row);
  }
}

function prune(arrays, { array, value }) {
  const chosen = Object.entries(arrays).filter((entry) => is_matrix(entry) && (array ?? entry[0]) === entry[0]);
  const sizes = Float64Array.from(chosen.flatMap(([, { data }]) => Array.from(data, Math.abs))).sort();
  const count = Math.floor((value * sizes.length) / 100);
  if (count === 0) return;
  const limit = sizes[count - 1];
  let equal = sizes.slice(0, count).reduce((sum, size) => sum + Number(size === limit), 0);
  for (const [, { data }] of chosen) {
    data.forEach((w, i) => {
      const size = Math.abs(w);
      if (size < limit || (size === limit && equal-- > 0)) data[i] = 0;
    });
  }
}

/** Return whether an array has the weights of a linear layer or convolution. */
export function is_matrix([name, { shape }]) {
  return name.endsWith(".weight") && shape.length > 1;
}

/** Return edits as a text for the address. */
export function write_edits(edits) {
  return edits.slice(0, MAX_EDITS).map(({ kind, array, index, value }) =>
    [kind, array ?? "", index ?? "", value ?? ""].join("~")).join("!");
}

/** Return {edits, left_out}: the edits of a text that `write_edits` returned, and how many of them do
 * not fit the network. */
export function read_edits(text, network) {
  const number = (part) => (part === "" ? null : Number(part));
  const found = (text ?? "").split("!").filter(Boolean).map((part) => {
    const [kind, array = "", index = "", value = ""] = part.split("~");
    return { kind, array: array || null, index: number(index), value: number(value) };
  });
  const edits = found.slice(0, MAX_EDITS).filter((edit) => {
    try {
      check(edit, network);
      return true;
    } catch {
      return false;
    }
  });
  return { edits, left_out: found.length - edits.length };
}
