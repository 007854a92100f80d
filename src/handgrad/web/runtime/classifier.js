/** The classifier: a network with class names, preprocessing, calibration and pixel range. */

import { example } from "./array.js";
import { Calibration } from "./calibration.js";
import { DataError, ModelError, text } from "./errors.js";
import { read_model } from "./model_file.js";
import { OodScore } from "./ood.js";
import { BYTES, PixelRange, check_can_scale, given_range } from "./pixel_range.js";
import { Preprocessing, plain } from "./preprocess/preprocessing.js";

export const UNSURE = "unsure";
export const UNLIKE = "unlike the training data";

/**
 * A network with everything that is needed to classify raw images.
 *
 *     const classifier = Classifier.from_bytes(bytes);           // of a model file
 *     const answer = classifier.predict(context.getImageData(0, 0, 280, 280));
 *     answer.predicted                                           // 8
 *
 * Attributes:
 * - network: the Network.
 * - classes: the class names in the order of the logits.
 * - preprocessing: the steps that convert an image to the network's input, or null.
 * - calibration: the calibration of the probabilities, or null if they are a plain softmax.
 * - pixel_range: the values of black and white in the training images, or null if unknown.
 * - ood: the out-of-distribution score, or null if none was fitted.
 */
export class Classifier {
  constructor(network, classes, parts = {}) {
    const { preprocessing = null, calibration = null, pixel_range = null, ood = null } = parts;
    Object.assign(this, { network, classes, preprocessing, calibration, pixel_range, ood });
  }

  /** Read a model file, a Uint8Array. Throws a ModelError if the file is damaged. */
  static from_bytes(bytes, name = "the model file") {
    return Classifier.from_model(read_model(bytes, name), name);
  }

  /** Return the classifier of a model that `read_model` has read. */
  static from_model({ network, metadata, ood_arrays }, name = "the model file") {
    try {
      return new Classifier(network, metadata.classes, parts_of(network, metadata, ood_arrays));
    } catch (error) {
      const is_known = error instanceof ModelError || error instanceof DataError;
      const damage = `its description is damaged (${error.message}); save it again`;
      throw new ModelError(`${name}: ${is_known ? error.message : damage}`);
    }
  }

  /**
   * Classify an image such as the ImageData of a canvas: {width, height, data}, where data has red,
   * green, blue and alpha of each pixel, 0..255, row by row.
   *
   * Returns a prediction (see `predict_inputs`) that also has `problem`, what the preprocessing found,
   * or null; and `stages`, the image before the first step and after each step: a list of
   * {title, image: {height, width, channels, data}}. Without a preprocessing in the model, the image is
   * only resized, as `handgrad predict` does.
   */
  predict({ width, height, data }) {
    const image = { width, height, channels: 4, data };
    const preprocessing = this.preprocessing ?? plain(this.network.shape);
    const { stages, result, problem } = preprocessing.check(image);
    const input = { shape: [1, ...this.network.shape], data: result };
    const [prediction] = this.predict_inputs(input, { pixel_range: "raw", problems: [problem] });
    return { ...prediction, problem, stages };
  }

  /**
   * Classify images that are prepared already, such as test images. X is {shape, data}, of shape
   * (N, C, H, W), (N, H, W, C), or (N, H, W) if C is 1; see `pixels`.
   *
   * Returns a list of predictions:
   * - input: the image {shape, data} as the network takes it.
   * - logits and probabilities: one number per class; the probabilities are calibrated.
   * - index: the position of the answer, the most probable class; and `predicted`, its name.
   * - top: all classes with their probabilities, [name, probability], in descending order.
   * - score: the out-of-distribution score, or null if none was fitted.
   * - reason: why the answer is "don't know": what the preprocessing found, "unlike the training data"
   *   or "unsure"; empty if the answer is the most probable class.
   * - is_confident: whether the answer is the most probable class, and not "don't know".
   */
  predict_inputs(X, { pixel_range = null, problems = [] } = {}) {
    const { network, calibration, classes } = this;
    const images = this.pixels(X, pixel_range);
    const [Z] = network.forward(images);
    const P = (calibration ?? new Calibration()).probabilities(Z, network.dtype);
    const scores = this.ood?.scores(network.as_input(images), Z);
    return Array.from({ length: images.shape[0] }, (_, n) => {
      const probabilities = example(P, n).data;
      const order = [...classes.keys()].sort((a, b) => probabilities[b] - probabilities[a] || a - b);
      const score = scores?.[n] ?? null;
      const reason = problems[n] ?? this.doubt(probabilities[order[0]], score);
      return {
        input: example(images, n),
        logits: example(Z, n).data,
        probabilities,
        index: order[0],
        predicted: classes[order[0]],
        top: order.map((k) => [classes[k], probabilities[k]]),
        score,
        reason,
        is_confident: reason === "",
      };
    });
  }

  /**
   * Return why the answer for an image is "don't know", given the largest probability p and the
   * out-of-distribution score s or null.
   *
   * The reason is "unlike the training data" if the score is above its threshold. Otherwise it is
   * "unsure" if p is below the threshold of the calibration. It is "" if the answer is confident.
   */
  doubt(p, s) {
    if (s !== null && this.ood.is_unlike(s)) return UNLIKE;
    return (this.calibration ?? new Calibration()).is_confident(p) ? "" : UNSURE;
  }

  /**
   * Scale images to the network's input, {shape: [N, C, H, W], data}: bytes 0..255 or floating point.
   *
   * `pixel_range` is [black, white]; or "raw" for images that already are an input of the network; or
   * null to recognize the range. Throws a DataError if the images have another shape than the
   * network's input, or if their range is in doubt.
   */
  pixels(X, pixel_range = null) {
    const trained = this.pixel_range;
    const images = channels_first(X, this.network.shape);
    const is_float = images.data instanceof Float32Array || images.data instanceof Float64Array;
    if (trained === null && is_float && pixel_range === null) return images;
    const given = given_range(pixel_range, images) ?? (trained ?? BYTES).of_new_images(images);
    check_can_scale(trained, given);
    return !given.is_known && is_float ? images : given.pixels(images);
  }
}

/** Return the parts of a classifier that the description in a model file defines. */
function parts_of(network, metadata, ood_arrays) {
  const { shape } = network;
  const read = (name, build) => (metadata[name] == null ? null : build(metadata[name]));
  const preprocessing = read("preprocessing", Preprocessing.from_json);
  if (preprocessing !== null && preprocessing.shape.join() !== shape.join()) {
    throw new ModelError(
      `its preprocessing produces images (${preprocessing.shape.join(", ")}), but its network takes ` +
        `(${shape.join(", ")})`,
    );
  }
  const known = read("pixel_range", PixelRange.from_json);
  return {
    preprocessing,
    calibration: read("calibration", Calibration.from_json),
    pixel_range: known ?? (preprocessing === null ? null : BYTES), // older files lack it
    ood: read("ood", (described) => OodScore.from_json(described, ood_arrays, network)),
  };
}

/** Return images of the network's size as (N, C, H, W); throw a DataError if they have another. */
function channels_first({ shape, data }, [C, H, W]) {
  const [N, ...image] = shape;
  if (image.join() === `${[C, H, W]}` || (C === 1 && image.join() === `${[H, W]}`)) {
    return { shape: [N, C, H, W], data };
  }
  if (image.join() !== `${[H, W, C]}`) {
    throw new DataError(
      `the network takes images (N, ${C}, ${H}, ${W}), not an array of shape ${text(shape)}`,
    );
  }
  const turned = data.slice();
  for (let n = 0, to = 0; n < N; n++) {
    for (let c = 0; c < C; c++) {
      for (let k = 0; k < H * W; k++) turned[to++] = data[(n * H * W + k) * C + c];
    }
  }
  return { shape: [N, C, H, W], data: turned };
}
