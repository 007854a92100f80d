/** `Preprocessing`: a sequence of steps that is applied to images and is read from a model file. */

import { DataError, ModelError } from "../errors.js";
import { SubtractBackground } from "./background.js";
import {
  Binarize,
  CenterByMass,
  CropToInk,
  InvertDarkInk,
  ScaleToFit,
  StretchContrast,
  Upscale,
} from "./ink.js";
import { RemoveLines } from "./lines.js";
import { LARGEST, Pixels } from "./pixels.js";
import { problem } from "./problems.js";
import {
  CompositeAlpha,
  Denoise,
  Downscale,
  GrayToRGB,
  Grayscale,
  Invert,
  Resize,
  UndoUpscale,
} from "./steps.js";

/** The version of the steps, which are specified in docs/format.md. */
export const VERSION = 2;

/** The steps by name. */
export const KINDS = {
  CompositeAlpha,
  Grayscale,
  GrayToRGB,
  Invert,
  UndoUpscale,
  Denoise,
  Downscale,
  Resize,
  SubtractBackground,
  InvertDarkInk,
  Binarize,
  CropToInk,
  Upscale,
  ScaleToFit,
  StretchContrast,
  CenterByMass,
  RemoveLines,
};

const MAX_STEPS = 32;
const ENTRIES = ["shape", "steps", "version", "ink", "for_arrays"];

/**
 * Converts an image to the form that a network takes.
 *
 * `shape` is the shape of the result, [C, H, W]. `steps` are the steps in the order in which they are
 * applied. `ink` is "dark" or "light", if the training images have only dark or only light ink on
 * their background, and otherwise null. `for_arrays` is whether arrays of images are preprocessed in
 * the same way as image files; if not, an array already is an input of the network.
 */
export class Preprocessing {
  constructor(shape, steps, ink = null, for_arrays = false) {
    Object.assign(this, { shape, steps, ink, for_arrays });
    for (const probe of [new Pixels(3, 5, 4), new Pixels(1, 1)]) {
      const { height, width, channels } = this.stages(probe).at(-1).image;
      if (`${[channels, height, width]}` !== `${shape}`) {
        throw new ModelError(
          `the preprocessing produces images (${channels}, ${height}, ${width}), ` +
            `not (${shape.join(", ")}); add the missing steps`,
        );
      }
    }
  }

  /** Build a preprocessing from its JSON description in a model file. */
  static from_json(described) {
    const keys = Object.keys(Object(described));
    if (!keys.includes("shape") || !keys.every((key) => ENTRIES.includes(key))) {
      throw new ModelError(
        "the description of a preprocessing must contain shape and steps, and otherwise only " +
          "version, ink and for_arrays",
      );
    }
    const { shape, steps, version = 1, ink = null, for_arrays = false } = described;
    check_version(version);
    const is_size = (size) => Number.isInteger(size) && size >= 1 && size <= LARGEST;
    const is_shape = Array.isArray(shape) && shape.length === 3 && shape.every(is_size);
    if (!is_shape || ![1, 3].includes(shape[0])) {
      throw new ModelError(
        `the shape of a preprocessed image must be (1 or 3, H, W), not ${JSON.stringify(shape)}`,
      );
    }
    if (!Array.isArray(steps) || steps.length > MAX_STEPS) {
      throw new ModelError(`the steps of a preprocessing must be a list of at most ${MAX_STEPS}`);
    }
    if (![null, "dark", "light"].includes(ink)) {
      throw new ModelError(`the ink of a preprocessing is dark or light, not ${ink}`);
    }
    if (typeof for_arrays !== "boolean") {
      throw new ModelError(`for_arrays of a preprocessing is true or false, not ${for_arrays}`);
    }
    return new Preprocessing(shape, steps.map(build), ink, for_arrays);
  }

  /**
   * Return the image before the first step and after each step, with titles:
   * a list of {title, image}.
   */
  stages(image) {
    let X = checked(image);
    const stages = [{ title: "raw", image: X }];
    for (const step of this.steps) {
      X = step.apply(X);
      stages.push({ title: step.constructor.title, image: X });
    }
    return stages;
  }

  /** Preprocess an image, and return its bytes in the order (C, H, W). */
  apply(image) {
    return channels_first(this.stages(image).at(-1).image);
  }

  /**
   * Preprocess an image, and return {stages, result, problem}: the images after each step, the
   * bytes in the order (C, H, W), and why the image cannot be classified, or null if it can.
   *
   * The problem is "nothing drawn" if the image is a blank sheet, possibly with dark edges. It is
   * "lines across the image" if there is only a fold, or if a drawing cannot be separated from
   * squared paper. It is "opposite polarity" if light and dark are swapped in comparison with the
   * training images.
   */
  check(image) {
    const stages = this.stages(image);
    const images = stages.map((stage) => stage.image);
    const kinds = this.steps.map((step) => step.constructor.name);
    const result = channels_first(images.at(-1));
    return { stages, result, problem: problem(images, kinds, this.ink) };
  }
}

/** Throw a ModelError if steps of this version are not implemented here. */
function check_version(version) {
  if (version === 1) {
    throw new ModelError(
      "the preprocessing of this model has steps of version 1, which only Python can compute; " +
        "run `handgrad upgrade MODEL` to convert it",
    );
  }
  if (version !== VERSION) {
    throw new ModelError(
      `the version of the preprocessing is ${JSON.stringify(version)}, but this page reads ` +
        `${VERSION}; install a newer handgrad`,
    );
  }
}

/** Build the step that a description defines. */
function build(described) {
  const { kind, ...settings } = Object(described);
  if (!Object.hasOwn(KINDS, kind)) {
    throw new ModelError(
      `${JSON.stringify(described)} is not a step of a preprocessing; the steps are ` +
        Object.keys(KINDS).join(", "),
    );
  }
  return new KINDS[kind](settings);
}

/**
 * Return an image {height, width, channels, data} as `Pixels`. Throw a DataError if it has no pixels,
 * or its bytes do not fit its size.
 */
function checked({ height, width, channels, data }) {
  const is_size = (size) => Number.isInteger(size) && size >= 1;
  if (!is_size(height) || !is_size(width) || ![1, 2, 3, 4].includes(channels)) {
    throw new DataError(
      `an image must have at least one pixel and 1 to 4 channels, not ${height} x ${width} pixels ` +
        `and ${channels} channels`,
    );
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new DataError("an image must have values of 8 bits, such as the ImageData of a canvas");
  }
  if (data.length !== height * width * channels) {
    throw new DataError(
      `an image of ${height} x ${width} pixels and ${channels} channels cannot have ` +
        `${data.length} values`,
    );
  }
  return new Pixels(height, width, channels, data);
}

/** Return the bytes of an image in the order (C, H, W). */
function channels_first(X) {
  const N = X.height * X.width;
  const bytes = new Uint8Array(X.data.length);
  for (let k = 0; k < N; k++) {
    for (let c = 0; c < X.channels; c++) bytes[c * N + k] = X.data[k * X.channels + c];
  }
  return bytes;
}

/**
 * Return the preprocessing for any image: it removes transparency, converts the channels, and resizes
 * the image without changing its proportions. `shape` is that of the images that the network takes.
 */
export function plain(shape) {
  const [C, height, width] = shape;
  const channels = C === 1 ? new Grayscale() : new GrayToRGB();
  return new Preprocessing(shape, [new CompositeAlpha(), channels, new Resize({ height, width })]);
}
