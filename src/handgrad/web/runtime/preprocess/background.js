/** The step that removes the paper from a drawing or from a photograph of a drawing. */

import {
  Pixels,
  check_size,
  fitted,
  histogram,
  inverted,
  largest,
  percentile_of_counts,
} from "./pixels.js";
import { resized, smoothed } from "./resize.js";
import { Step, check_grey } from "./step.js";

const SIDE = 64; // pixels on the longer side of the copy from which the background is estimated
const MAX_STROKE = 15; // the largest width of a stroke in this copy, in pixels
const RADIUS = 12; // of the filter that smooths the background, in pixels of this copy

/**
 * Subtracts the paper, including shadows and noise, so that the background becomes black.
 *
 * The background is estimated by a morphological opening: a small copy of the image is eroded and
 * dilated by more than the width of a stroke. `max_noise` is the largest amplitude of noise; stronger
 * variation is treated as ink.
 */
export class SubtractBackground extends Step {
  static title = "background subtracted";
  static fields = { max_noise: 255 };

  check() {
    check_size(this, "max_noise");
  }

  apply(X) {
    check_grey(this, X);
    const background = background_of(X);
    const ink = X.zeros();
    for (let k = 0; k < ink.data.length; k++) {
      const [x, b] = [X.data[k], background.data[k]];
      if (x > b) ink.data[k] = x - b;
    }
    const counts = histogram(ink.data);
    const at = (percent) => percentile_of_counts(counts, ink.data.length, percent);
    const [low, middle] = [at(16), at(50)]; // most pixels of a drawing are paper
    const noise = Math.min(middle + 3 * (middle - low), this.max_noise);
    const Y = X.zeros();
    for (let k = 0; k < Y.data.length; k++) {
      if (ink.data[k] > noise) Y.data[k] = ink.data[k] - noise;
    }
    return Y;
  }
}

/** Return the lightness of the background at each pixel. */
function background_of(X) {
  const small = Math.max(X.height, X.width) > SIDE ? resized(X, ...fitted(X, SIDE, SIDE)) : X;
  const opened = inverted(eroded(inverted(eroded(small))));
  if (largest(opened.data) === 0) return X.zeros();
  return resized(smoothed(opened, RADIUS), X.height, X.width);
}

/**
 * Return the minimum over the square of 15 x 15 pixels around each pixel. Pixels outside the image
 * are ignored.
 */
function eroded(X) {
  return eroded_rows(eroded_rows(X)); // each call also swaps rows and columns
}

/** Return the minimum of 15 neighbours in each row, as the transposed image. */
function eroded_rows({ height, width, data }) {
  const reach = Math.floor(MAX_STROKE / 2);
  const Y = new Pixels(width, height);
  for (let j = 0; j < width; j++) {
    const [first, last] = [Math.max(j - reach, 0), Math.min(j + reach, width - 1)];
    for (let i = 0; i < height; i++) {
      let least = 255;
      for (let at = i * width + first; at <= i * width + last; at++) {
        if (data[at] < least) least = data[at];
      }
      Y.data[j * height + i] = least;
    }
  }
  return Y;
}
