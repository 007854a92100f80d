/** Errors that a user can cause. Each message is one sentence: what is wrong, where, what to do. */

/** A model file, an architecture or a setting of a layer that cannot be used. */
export class ModelError extends Error {}

/** Images, labels or weights that do not fit the network. */
export class DataError extends Error {}

/** A setting of an optimizer or a loss that is out of range. */
export class ConfigError extends Error {}

/** Throw a ModelError unless a setting is an integer of at least `least`. */
export function check_integer(name, value, least) {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ModelError(`${name} must be an integer of at least ${least}, not ${text(value)}`);
  }
}

/** Return whether a value is a number of at least `least` and below `end`. */
export function in_range(value, least, end) {
  return typeof value === "number" && value >= least && value < end;
}

/** Return a value as it appears in a message. */
export function text(value) {
  return Array.isArray(value) ? `(${value.join(", ")})` : JSON.stringify(value) ?? String(value);
}

/** Return a short description of the shape that an array has, such as "(1, 28, 28)". */
export function shape_text(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}
