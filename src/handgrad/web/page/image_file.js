// Image files that a person opens.

import { h } from "./dom.js";
import { t } from "./strings.js";

const MAX_PIXELS = 20e6;

/** Decode an image file, without changes to its colours. Throws an Error if it is not an image. */
export async function decode(file) {
  const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(file, options);
  if (bitmap.width * bitmap.height > MAX_PIXELS) throw new Error(t("draw.too-large"));
  return bitmap;
}

/** Return the pixels of a bitmap as ImageData. */
export function pixelsOf(bitmap) {
  const canvas = h("canvas", { width: bitmap.width, height: bitmap.height });
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  drawing.drawImage(bitmap, 0, 0);
  return drawing.getImageData(0, 0, canvas.width, canvas.height);
}
