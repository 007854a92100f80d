/**
 * The range of pixel values: which numbers of an array are black and white.
 *
 * A network computes with pixels from 0 (black) to 1 (white). Arrays from other programs have other
 * ranges, such as 0..255, 0..65535 or -1..1. New images are scaled like the training images. Images
 * whose range is in doubt are refused.
 *
 * Images are {shape, data}: the shape is [N, C, H, W], and data a typed array, whose type is the dtype.
 */

import { DataError, ModelError, text } from "./errors.js";

const CHUNK = 1000; // images
const CLOSE = Math.fround(1e-3); // of 255: pixels this close to integers are stored as bytes
const BRIGHT = 0.75; // floats whose maximum is lower do not show that 255 is white
const DIM = 1 / 15; // images that use less of a range probably have a smaller range
const FEW = 50; // values
const FLAT = 0.02; // of the values: interpolation does not give the same value so often
const OVERSHOOT = 1 / 8; // of the range: what interpolation adds at edges

// The dtypes by the types of arrays.
const DTYPES = {
  Uint8Array: "uint8",
  Uint8ClampedArray: "uint8",
  Uint16Array: "uint16",
  Uint32Array: "uint32",
  Int8Array: "int8",
  Int16Array: "int16",
  Int32Array: "int32",
  Float32Array: "float32",
  Float64Array: "float64",
};

/**
 * The values of black and white in an array of images.
 *
 * `low` is the value of black, and `high` that of white. If `is_known` is false, they are the smallest
 * and the largest value of the training images, which were used as they are.
 */
export class PixelRange {
  constructor(low, high, is_known = true) {
    const is_ordered = is_known ? low < high : low <= high;
    if (!Number.isFinite(low) || !Number.isFinite(high) || !is_ordered) {
      throw new DataError(
        "a pixel range needs two numbers, black and then a larger one for white, not " +
          `${low}, ${high}`,
      );
    }
    Object.assign(this, { low, high, is_known });
  }

  /** Rebuild a range from its description in a model file. */
  static from_json(described) {
    const { low, high, is_known, ...others } = Object(described);
    const are_numbers = typeof low === "number" && typeof high === "number";
    if (!are_numbers || typeof is_known !== "boolean" || Object.keys(others).length) {
      throw new ModelError(
        "the description of a pixel range must contain the numbers low and high, and is_known",
      );
    }
    return new PixelRange(low, high, is_known);
  }

  /** Return whether another range has the same values. */
  equals(other) {
    const { low, high, is_known } = other;
    return this.low === low && this.high === high && this.is_known === is_known;
  }

  toString() {
    return `${short(this.low)}..${short(this.high)}`;
  }

  /**
   * Return the range of images for a model that was trained on images of this range.
   *
   * If the values are consistent with this range, it is returned. Otherwise, another range is
   * returned if it is recognized without doubt, such as bytes 0..255 or floats 0..1. Throws a
   * DataError if the range is in doubt.
   */
  of_new_images(X) {
    const values = values_of(X);
    if (!this.equals(SIGNED)) check_not_wrapped(X, values);
    if (!values.are_finite) return recognized(values);
    if (!this.is_known) {
      this.check_unscaled(values);
      return this;
    }
    if (values.are_zero) return new PixelRange(0, 1);
    const found = recognized(values);
    const overshoot = this.overshoot(X, values);
    const narrower = found.is_known && this.low < found.low && found.low < 0;
    const is_narrower = narrower && 0 < found.high && found.high < this.high;
    const is_inside = this.contains(values.low, values.high, overshoot);
    if (is_inside && this.uses(values) && !is_narrower) return this;
    if (found.is_known && !found.is_doubtful_for(values, this)) return found;
    throw new DataError(
      `the images (${values.words}) do not show whether their range is ${this}, as in training, ` +
        "or another one; give the values of black and white, such as [0, 255]",
    );
  }

  /**
   * Return how far values may lie outside this range, as a fraction of it.
   *
   * What interpolation adds at edges is a fraction of the contrast, and is seldom the same value
   * twice. A negative value that occurs often is the black of another range.
   */
  overshoot(X, values) {
    if (values.kind !== "f" || values.low >= this.low) return OVERSHOOT;
    if (X.data.length > FEW && share(X, values.low) > FLAT) return 0;
    return OVERSHOOT * Math.min(1, (values.high - values.low) / (this.high - this.low));
  }

  /** Return whether values fill so much of this range that they cannot have a smaller one. */
  uses(values) {
    const black_is_negative = this.low < 0;
    if (black_is_negative) {
      return values.low < 0 && Math.max(-values.low, values.high) > DIM * this.high;
    }
    return this.high <= 1 || values.high > DIM * this.high;
  }

  /** Return whether this range, which was recognized from values, is in doubt. */
  is_doubtful_for(values, trained) {
    const is_dim = this.equals(BYTES) && values.high <= DIM * 255;
    const is_camera = CAMERAS.some((camera) => this.equals(camera));
    const is_light = values.kind === "f" && trained.low < 0 && 0 < values.low;
    return is_dim || is_camera || (is_light && values.high <= trained.high);
  }

  /** Return whether values from `low` to `high` lie in this range or a little outside. */
  contains(low, high, overshoot = OVERSHOOT) {
    const slack = overshoot * (this.high - this.low);
    return this.low - slack <= low && high <= this.high + slack;
  }

  /**
   * Scale images of this range to the form that networks take: bytes 0..255 if this loses nothing,
   * otherwise float32 0..1. If the range is not known, numbers are only converted to float32.
   */
  pixels(X) {
    const { kind, are_whole, low, high, dtype } = values_of(X);
    if (dtype === "uint8" && this.equals(BYTES)) return X;
    const is_scaled = kind === "f" && this.low === 0 && this.high === 1;
    if (!this.is_known || is_scaled) return { shape: X.shape, data: Float32Array.from(X.data) };
    if (this.equals(BYTES) && are_whole && this.contains(low, high, 0)) {
      return { shape: X.shape, data: Uint8Array.from(X.data) };
    }
    return this.scaled(X, kind);
  }

  /** Scale images of a known range, as `pixels` does; every result is rounded to float32. */
  scaled({ shape, data }, kind) {
    const span = this.high - this.low;
    const scale = Math.fround(255 / span);
    const black = Math.fround(this.low);
    const keeps_integers = 15 <= span && span <= 255; // 0..16 has the values of 8-bit images
    const values = new Float32Array(data.length);
    for (let k = 0; k < data.length; k++) {
      const value = Math.fround(Math.fround(Math.fround(data[k]) - black) * scale);
      const is_whole = kind !== "f" || rint(data[k]) === data[k];
      values[k] = Math.fround((keeps_integers && is_whole ? rint(value) : value) / 255);
    }
    return as_bytes_if_exact({ shape, data: values });
  }

  /** Throw a DataError if the values of images are far outside this range. */
  check_given(X) {
    const values = values_of(X);
    if (this.is_known && values.are_finite && !this.contains(values.low, values.high, 0.5)) {
      throw new DataError(
        `pixel_range is ${this}, but the images are ${values.words}; correct one of the two`,
      );
    }
  }

  /** Throw a DataError if images are not like the training images, whose range is unknown. */
  check_unscaled(values) {
    const all_positive = this.low < 0 && 0 <= values.low;
    const too_large = this.low >= 0 && values.high > 1.5 * this.high;
    const differs = recognized(values).is_known || all_positive || too_large;
    if (values.dtype === "uint8" || (differs && !values.are_zero)) {
      throw new DataError(
        `the images (${values.words}) are not like the training images, whose values ${this} were ` +
          "used as they are; scale them in the same way, or train with " +
          "pixel_range=(black, white)",
      );
    }
  }
}

export const BYTES = new PixelRange(0, 255);
const SIGNED = new PixelRange(-128, 127);
const CAMERAS = [10, 12, 14].map((bits) => new PixelRange(0, 2 ** bits - 1));

// The first rule that the values of images obey gives their range.
const RULES = [
  [
    SIGNED,
    (v) => v.kind === "i" && v.high <= 127 && v.low < (v.dtype === "int8" ? -1 : -127),
  ],
  [new PixelRange(-1, 1), (v) => -1 <= v.low && v.low <= -0.99 && v.high <= 1],
  [
    new PixelRange(-0.5, 0.5),
    (v) => -0.5 <= v.low && v.low <= -0.495 && 0.495 <= v.high && v.high <= 0.5,
  ],
  [BYTES, (v) => v.kind !== "f" && v.are_zero],
  [new PixelRange(0, 1), (v) => v.low >= 0 && v.high <= 1],
  [new PixelRange(0, 15), (v) => v.low >= 0 && v.high === 15 && v.are_whole],
  [new PixelRange(0, 16), (v) => v.low >= 0 && v.high === 16 && (v.are_whole || v.low === 0)],
  [BYTES, (v) => v.low >= 0 && v.high <= 255 && v.kind !== "f"],
  [BYTES, (v) => v.low >= 0 && BRIGHT * 255 < v.high && v.high <= 255],
  ...CAMERAS.map((camera) => [
    camera,
    (v) => v.low >= 0 && 0.9 * camera.high < v.high && v.high <= camera.high,
  ]),
  [
    new PixelRange(0, 65535),
    (v) => v.low >= 0 && CAMERAS.at(-1).high < v.high && v.high <= 65535,
  ],
];

/** Return the range that the values of images show. */
function recognized(values) {
  if (!values.are_finite) return values.kind === "f" ? new PixelRange(0, 0, false) : BYTES;
  for (const [range, rule] of RULES) {
    if (rule(values) && (range.high <= 255 || values.are_whole)) return range;
  }
  return new PixelRange(values.low, values.high, false);
}

/**
 * Return what the values of images show about their range: their dtype and its kind ("u", "i" or
 * "f"), the smallest and the largest value, and whether all are integers. Both are NaN if there are
 * none, or if one is not finite. Of many bytes, only a part is read.
 */
function values_of({ shape, data }) {
  const dtype = DTYPES[data.constructor.name];
  if (dtype === undefined) {
    throw new DataError(`images must be numbers in a typed array, not ${data.constructor.name}`);
  }
  const found = { dtype, kind: dtype[0], low: Infinity, high: -Infinity, are_whole: true };
  const N = shape[0];
  const some = dtype === "uint8" && N > CHUNK ? data.subarray(0, (data.length / N) * CHUNK) : null;
  if (some !== null && some.some((x) => x > 16)) {
    Object.assign(found, { low: 0, high: 255 });
  } else {
    for (const value of data) {
      if (!(value >= found.low)) found.low = value;
      if (!(value <= found.high)) found.high = value;
      if (Number.isNaN(value)) break;
      if (rint(value) !== value) found.are_whole = false;
    }
  }
  const are_finite = Number.isFinite(found.low) && Number.isFinite(found.high);
  if (!are_finite) Object.assign(found, { low: NaN, high: NaN, are_whole: false });
  const are_zero = found.low === 0 && found.high === 0;
  const words = `${dtype}, values ${short(found.low)}..${short(found.high)}`;
  return { ...found, are_finite, are_zero, words };
}

/**
 * Return the range that the setting `pixel_range` gives for images, or null if it is null.
 *
 * The setting is null; or [black, white]; or "raw" for images that are used as they are, which are
 * bytes 0..255 or floating-point numbers.
 */
export function given_range(given, X) {
  if (given === null) return null;
  if (given === "raw") {
    const { low, high, dtype, are_finite } = values_of(X);
    return dtype === "uint8" || !are_finite ? BYTES : new PixelRange(low, high, false);
  }
  const is_pair = Array.isArray(given) && given.length === 2;
  if (!is_pair || !given.every((number) => typeof number === "number")) {
    throw new DataError(
      'pixel_range must be the values of black and white, such as [0, 255], or "raw" to use the ' +
        `values as they are, not ${text(given)}`,
    );
  }
  const range = new PixelRange(...given);
  range.check_given(X);
  return range;
}

/** Throw a DataError if the range of the images is known, but not the range in training. */
export function check_can_scale(trained, given) {
  if (trained !== null && given.is_known && !trained.is_known) {
    throw new DataError(
      `the values ${trained} of the training images were used as they are, so images of the range ` +
        `${given} cannot be scaled to them; train on images with a known range, such as 0..255 ` +
        "or 0..1",
    );
  }
}

/** Return float32 pixels 0..1 as bytes if all are multiples of 1/255, else unchanged. */
function as_bytes_if_exact(X) {
  const bytes = new Uint8Array(X.data.length);
  for (let k = 0; k < bytes.length; k++) {
    const value = Math.fround(X.data[k] * 255);
    const nearest = rint(value);
    const is_exact = Math.abs(value - nearest) <= CLOSE && nearest >= 0 && nearest <= 255;
    if (!is_exact) return X;
    bytes[k] = nearest;
  }
  return { shape: X.shape, data: bytes };
}

/** Return a number, rounded to an integer; halves are rounded to the even integer. */
function rint(x) {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Return the fraction of the values of some images that are equal to a value. */
function share({ shape, data }, value) {
  const some = data.subarray(0, (data.length / shape[0]) * Math.min(shape[0], CHUNK));
  let count = 0;
  for (const x of some) if (x === value) count++;
  return count / some.length;
}

/**
 * Throw a DataError if int8 images contain black and white as 0 and -1, which uint8 wraps to.
 *
 * In images of -128..127, black and white are -128 and 127.
 */
function check_not_wrapped({ data }, { dtype, low }) {
  if (dtype !== "int8" || !data.length || low >= -1) return;
  const count = (a, b) => data.reduce((sum, x) => sum + (x === a || x === b ? 1 : 0), 0);
  if (count(0, -1) > count(-128, 127)) {
    throw new DataError(
      "the int8 images look like uint8 images of which values above 127 became negative; read them " +
        "as uint8, or give pixel_range [-128, 127] if black is -128",
    );
  }
}

/** Return a number with at most 6 significant digits. */
function short(value) {
  return String(Number(value.toPrecision(6)));
}
