// The image that was shown last, so that another view can show the same one.

let last = null;

/** Keep an image {shape: [C, H, W], data} as the network takes it, and its index in the test images.
 * The index of a drawing is null. */
export function keepImage(image, index = null) {
  last = { image, index };
}

/** Return {image, index} of the last image, or null. */
export function lastImage() {
  return last;
}
