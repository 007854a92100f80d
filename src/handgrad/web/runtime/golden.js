/**
 * The check that a model answers as on the day it was saved, with the golden outputs in its file.
 *
 * A model file contains a few images with the logits that Python computed for them, and the SHA-256
 * of each component that an answer depends on.
 */

import { example } from "./array.js";
import { Classifier } from "./classifier.js";
import { ModelError, shape_text } from "./errors.js";
import { read_model } from "./model_file.js";
import { read_safetensors, utf8_encode } from "./safetensors.js";
import { sha256 } from "./sha256.js";

/** The largest accepted difference of a logit, relative to the largest logit if that exceeds 1. */
export const TOLERANCE = 1e-5;

const OOD_ARRAYS = ["means", "directions", "variances", "noise", "scaling", "threshold"];

/**
 * Classify the golden images of a model file, a Uint8Array, and compare the answers with the stored
 * ones. Raw golden images go through the whole preprocessing.
 *
 * Returns:
 * - answers: for each golden image {is_right, difference, predicted, index, input}; an answer is right
 *   if its class is the stored one, its logits differ by at most TOLERANCE, and the preprocessing
 *   gives the same input as in Python.
 * - right and count: the number of right answers, and of all answers.
 * - difference: the largest difference of all logits, relative to the largest stored logit if that
 *   exceeds 1.
 * - changed: the names of the components that changed after the golden outputs were stored.
 * - logits: all logits, {shape: [G, K], data}.
 * - passed: whether all answers are right and nothing has changed.
 *
 * Throws a ModelError if the file cannot be read.
 */
export function check_golden(file, name = "the model file") {
  const model = read_model(file, name);
  return check_model(file, model, Classifier.from_model(model, name), name);
}

/** Do what `check_golden` does, given what `read_model` has read, and its classifier. */
export function check_model(file, { golden, metadata }, classifier, name = "the model file") {
  check_complete(golden, classifier, name);
  const { images, logits } = golden, K = classifier.classes.length;
  const scale = Math.max(1, logits.data.reduce((most, z) => Math.max(most, Math.abs(z)), 0));
  const all = [], answers = [];
  for (let n = 0; n < images.shape[0]; n++) {
    const stored = example(images, n), expected = example(logits, n).data;
    const input = n < (golden.raw?.shape[0] ?? 0) ? prepared(classifier, golden.raw, n) : stored.data;
    const X = { shape: [1, ...stored.shape], data: input };
    const [Z] = classifier.network.forward(X);
    const difference = Z.data.reduce((most, z, k) => worst(most, Math.abs(z - expected[k])), 0) / scale;
    const index = position_of_largest(Z.data);
    const is_same_input = input.every((value, k) => value === stored.data[k]);
    const is_same_class = index === position_of_largest(expected);
    const is_right = is_same_input && is_same_class && difference <= TOLERANCE;
    answers.push({ is_right, difference, index, predicted: classifier.classes[index], input: X });
    all.push(...Z.data);
  }
  const changed = changed_components(file, metadata);
  const right = answers.filter((answer) => answer.is_right).length;
  return {
    answers,
    right,
    count: answers.length,
    difference: answers.reduce((most, answer) => worst(most, answer.difference), 0),
    changed,
    logits: { shape: [answers.length, K], data: all },
    passed: right === answers.length && changed.length === 0,
  };
}

/** Return the names of the components whose SHA-256 is not the stored one. */
export function changed_components(file, metadata) {
  const stored = Object(metadata.golden), now = component_hashes(file);
  return Object.keys(now).filter(
    // The first files had no hash of the calibration.
    (part) => stored[part] !== now[part] && !(part === "calibration" && !(part in stored)),
  );
}

/**
 * Return the SHA-256 of each component that an answer depends on, by name: weights, labels,
 * preprocessing, calibration, and the out-of-distribution score if there is one.
 */
export function component_hashes(file) {
  const { metadata, arrays } = read_safetensors(file);
  const values = json_values(metadata.handgrad);
  const weights = [];
  for (const name of Object.keys(arrays).sort()) {
    if (/^(golden|ood)\./.test(name)) continue;
    const { dtype, shape, bytes } = arrays[name];
    weights.push(utf8_encode(`${name} ${dtype} ${shape_text(shape)}\n`), bytes);
  }
  const hash = (key) => sha256([utf8_encode(values[key] ?? "null")]);
  const hashes = {
    weights: sha256(weights),
    labels: hash("classes"),
    preprocessing: hash("preprocessing"),
    calibration: hash("calibration"),
  };
  if ((values.ood ?? "null") !== "null") {
    hashes.ood = sha256(OOD_ARRAYS.map((name) => arrays[`ood.${name}`].bytes));
  }
  return hashes;
}

/**
 * Return the JSON text of each value in a JSON object, by name.
 *
 * The hash of a component is that of its text as Python wrote it. JavaScript would write some
 * numbers in another way, such as 1 instead of 1.0.
 */
function json_values(json) {
  const values = {}, tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  let depth = 0, key = null, start = 0;
  for (let token = tokens.exec(json); token !== null; token = tokens.exec(json)) {
    const [symbol] = token;
    if (depth === 1 && (symbol === "," || symbol === "}")) {
      if (key !== null) values[key] = json.slice(start, token.index).trim();
      key = null;
    } else if (depth === 1 && symbol === ":") {
      start = tokens.lastIndex;
    } else if (depth === 1 && key === null && symbol.startsWith('"')) {
      key = JSON.parse(symbol);
    }
    if (symbol === "{" || symbol === "[") depth += 1;
    if (symbol === "}" || symbol === "]") depth -= 1;
  }
  return values;
}

/** Return the input of the network for the n-th raw golden image, (R, H, W, 4). */
function prepared(classifier, raw, n) {
  const { shape: [height, width, channels], data } = example(raw, n);
  const { preprocessing } = classifier;
  return preprocessing.apply({ height, width, channels, data });
}

/** Throw a ModelError unless the golden outputs are complete and fit the network. */
function check_complete({ images, logits, raw }, { network, classes, preprocessing }, name) {
  const count = images?.shape[0] ?? 0, is_image = (X) => X.shape.length === 4;
  const fits =
    count > 0 && images.shape.slice(1).join() === network.shape.join() &&
    logits?.shape.join() === [count, classes.length].join() && logits.data.every(Number.isFinite) &&
    (raw === undefined) === (preprocessing === null) &&
    (raw === undefined || (is_image(raw) && raw.shape[0] <= count && raw.dtype === "uint8"));
  if (!fits) throw new ModelError(`${name}: its golden outputs do not fit its network; save it again`);
}

function position_of_largest(values) {
  return values.indexOf(values.reduce((a, b) => Math.max(a, b), -Infinity));
}

/** Return the larger number, or infinity if one of them is NaN. */
function worst(a, b) {
  return Number.isNaN(a) || Number.isNaN(b) ? Infinity : Math.max(a, b);
}
