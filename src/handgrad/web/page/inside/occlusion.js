// An occlusion map: the probability of the answer while a patch hides a part of the image.
//
// M. Zeiler, R. Fergus 2014, "Visualizing and understanding convolutional networks", section 4.2.

import { Calibration } from "../../runtime/calibration.js";

const ACROSS = 14; // at most so many places of the patch in each direction
const PATCH = 0.2; // the side of the patch, as a share of the image's shorter side

/** Return {patch, step, rows, columns}: the places of the patch, each `step` pixels from the next. */
export function places(H, W) {
  const patch = Math.max(1, Math.round(PATCH * Math.min(H, W)));
  const step = Math.max(1, Math.ceil(Math.max(H, W) / ACROSS));
  return { patch, step, rows: Math.ceil(H / step), columns: Math.ceil(W / step) };
}

/**
 * Yield the probabilities of class k, one row of places after another.
 *
 * The patch is centred on the pixel (r·step, q·step), and has the median of each channel.
 */
export function* occlusion(network, image, k, temperature) {
  const [C, H, W] = image.shape, { patch, step, rows, columns } = places(H, W);
  const before = Math.floor(patch / 2), size = C * H * W;
  const median = Array.from({ length: C }, (_, c) =>
    image.data.slice(c * H * W, (c + 1) * H * W).sort()[Math.floor((H * W) / 2)]);
  const calibration = new Calibration({ temperature });
  for (let r = 0; r < rows; r++) {
    const data = new image.data.constructor(columns * size);
    for (let q = 0; q < columns; q++) {
      const hidden = data.subarray(q * size, (q + 1) * size);
      hidden.set(image.data);
      for (let c = 0; c < C; c++) {
        for (let h = Math.max(0, r * step - before); h < Math.min(H, r * step - before + patch); h++) {
          const left = Math.max(0, q * step - before), right = Math.min(W, q * step - before + patch);
          hidden.fill(median[c], (c * H + h) * W + left, (c * H + h) * W + right);
        }
      }
    }
    const [Z] = network.forward({ shape: [columns, C, H, W], data });
    const P = calibration.probabilities(Z, network.dtype);
    yield Array.from({ length: columns }, (_, q) => P.data[q * network.classes + k]);
  }
}
