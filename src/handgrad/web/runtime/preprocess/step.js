/** `Step`, the base class of all preprocessing steps. */

import { ModelError } from "../errors.js";

/**
 * A step of a preprocessing. `apply` takes an image and returns a new one, or the same object if the
 * step leaves the image unchanged. The channels are grey or RGB, plus alpha if there is one.
 *
 * A subclass has a `title`, which names the result, and `fields`: its settings with their values
 * in files that lack them, or undefined if a file must contain the setting. The settings have
 * the names that they have in a model file.
 */
export class Step {
  static title = "";
  static fields = {};

  constructor(settings = {}) {
    const { name, fields } = this.constructor;
    Object.assign(this, fields, settings);
    const has_all = Object.keys(fields).every((field) => this[field] !== undefined);
    if (!has_all || !Object.keys(settings).every((field) => field in fields)) {
      const known = Object.keys(fields).join(", ");
      throw new ModelError(
        `a "${name}" step takes ${known ? `the fields ${known}` : "no fields"}, but got ` +
          (Object.keys(settings).join(", ") || "none"),
      );
    }
    this.check();
  }

  /** Throw a ModelError if a setting is out of range. */
  check() {}

  /** Return the processed image. */
  apply(X) {
    return X;
  }
}

/** Throw a ModelError unless an image has one channel, as the steps for ink need. */
export function check_grey(step, X) {
  if (X.channels !== 1) {
    throw new ModelError(
      `a ${step.constructor.name} step needs grey images; put a Grayscale step before it`,
    );
  }
}
