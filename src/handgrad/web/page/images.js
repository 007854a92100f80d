// Arrays as images.

import { h } from "./dom.js";

/** Return a canvas with an image of C channels, each value from `low` (black) to `high` (white).
 *
 * C is 1 (grey) or 3 (colour). With `signed`, an array of one channel is shown in blue for
 * negative and orange for positive numbers, and `high` is the largest magnitude.
 *
 * @param {ArrayLike<number>} data the numbers of one image, C x H x W.
 * @param {number[]} shape [C, H, W]
 * @param {object} options low, high, signed, size (of the longer side in CSS pixels), text (what
 *     the image shows, for people who cannot see it), decorative.
 */
export function imageOf(data, [C, H, W], options = {}) {
  const { low = 0, high = 255, signed = false, size = 56, text = "", decorative = false } = options;
  const canvas = h("canvas", { width: W, height: H, className: "pixels" });
  const scale = size / Math.max(W, H);
  Object.assign(canvas.style, { width: `${Math.round(W * scale)}px`, height: `${Math.round(H * scale)}px` });
  if (decorative) {
    canvas.setAttribute("aria-hidden", "true");
  } else {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text);
  }
  paint(canvas, data, [C, H, W], { low, high, signed });
  return canvas;
}

/** Draw an array onto a canvas of its size: see `imageOf`. */
export function paint(canvas, data, [C, H, W], { low = 0, high = 255, signed = false } = {}) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(W, H);
  const span = high - low || 1;
  for (let i = 0; i < H * W; i++) {
    for (let c = 0; c < 3; c++) {
      const value = signed
        ? signedColour(data[i] / (high || 1), c)
        : ((data[(C === 1 ? 0 : c) * H * W + i] - low) / span) * 255;
      pixels.data[4 * i + c] = value;
    }
    pixels.data[4 * i + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}

/** Return the n-th image of an array (n, C, H, W) as {shape: [C, H, W], data}. */
export function imageAt({ shape: [, C, H, W], data }, n) {
  return { shape: [C, H, W], data: data.subarray(n * C * H * W, (n + 1) * C * H * W) };
}

/** Return the values of black and white of images that are inputs of a network. */
export function rangeOf(data) {
  return { low: 0, high: data instanceof Uint8Array || data instanceof Uint8ClampedArray ? 255 : 1 };
}

/** Return one channel of the colour of a number from -1 (blue) through 0 (white) to 1 (orange). */
function signedColour(value, channel) {
  const end = value < 0 ? [0, 90, 160] : [200, 80, 0];
  const amount = Math.min(1, Math.abs(value));
  return 255 + (end[channel] - 255) * amount;
}
