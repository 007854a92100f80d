// The check on opening: the model, the names and the answers in the page are those that were saved.

import { Classifier } from "../../runtime/classifier.js";
import { check_model } from "../../runtime/golden.js";
import { from_base64, inflate } from "../../runtime/inflate.js";
import { read_model } from "../../runtime/model_file.js";
import { utf8_encode } from "../../runtime/safetensors.js";
import { sha256 } from "../../runtime/sha256.js";

const ROUNDING = 0.06; // percentage points: the answers in the page have one decimal

/** Return the bytes of the model file, given the text that the page contains. */
export function modelBytes(text) {
  return inflate(from_base64(text));
}

/** Classify the golden images, and compare everything with what was stored.
 *
 * `settings` is the JSON data of the page: labels, labels_digest, and answers, a list of {label,
 * percent, reason} for each golden image. Returns the result of `check_golden`; its `right`,
 * `changed` and `passed` take the names and the answers of the page into account. It also has the
 * `classifier`, with the names that the owner of the page chose. Throws a ModelError if the model
 * cannot be read.
 */
export function selfTest(bytes, { labels, labels_digest, answers }) {
  const model = read_model(bytes), classifier = Classifier.from_model(model);
  const found = check_model(bytes, model, classifier), changed = new Set(found.changed);
  const fits = labels.length === classifier.classes.length;
  if (fits) classifier.classes = labels;
  if (!fits || sha256([utf8_encode(JSON.stringify(labels))]) !== labels_digest) changed.add("labels");
  const now = goldenAnswers(model.golden, classifier);
  const isSame = now.map((answer, n) => sameAnswer(answer, answers[n]));
  if (answers.length !== now.length || isSame.includes(false)) changed.add("answers");
  const right = found.answers.filter(({ is_right }, n) => is_right && isSame[n]).length;
  const passed = right === found.count && changed.size === 0;
  return { ...found, right, changed: [...changed], passed, classifier };
}

/** Return {label, percent, reason} for each golden image. */
function goldenAnswers({ images, raw }, classifier) {
  const [count, ...shape] = images.shape, size = shape.reduce((a, b) => a * b);
  return Array.from({ length: count }, (_, n) => {
    const inRaw = raw !== undefined && n < raw.shape[0];
    const prediction = inRaw ? classifier.predict(rawImage(raw, n)) : classifier.predict_inputs(
      { shape: [1, ...shape], data: images.data.subarray(n * size, (n + 1) * size) }, { pixel_range: "raw" })[0];
    const { top: [[label, p]], reason } = prediction;
    return { label: String(label), percent: 100 * p, reason };
  });
}

/** Return the n-th raw golden image in the form of ImageData. */
function rawImage({ shape: [, height, width], data }, n) {
  const size = height * width * 4;
  return { height, width, data: data.subarray(n * size, (n + 1) * size) };
}

/** Return whether two answers {label, percent, reason} are the same, apart from rounding. */
export function sameAnswer(answer, stored) {
  return answer.label === stored?.label && answer.reason === stored.reason &&
    Math.abs(answer.percent - stored.percent) <= ROUNDING;
}
