// A channel or a vector as an image in which one can tap a number.

import { h } from "../dom.js";
import { imageOf } from "../images.js";
import { pixels_of } from "./place.js";

const MOST_COLUMNS = 32; // of a vector, which is shown in rows
const LEAST = 44; // CSS pixels, the least height of something to tap
const FEW = 12; // elements of a vector that stand in a single row

/** Return which numbers of an array (1, C, H, W) or (1, F) an image shows: {W, H, start, count}. */
export function planeOf(shape, channel = 0) {
  if (shape.length === 4) {
    return { W: shape[3], H: shape[2], start: channel * shape[2] * shape[3], count: pixels_of(shape) };
  }
  const F = shape[1];
  let W = F <= FEW ? F : Math.min(F, MOST_COLUMNS);
  for (let wide = W; wide >= W / 2; wide--) {
    if (F % wide === 0) {
      W = wide;
      break;
    }
  }
  return { W, H: Math.ceil(F / W), start: 0, count: F };
}

/** Return the number of images of an array: its channels, or one for a vector. */
export function planesOf(shape) {
  return shape.length === 4 ? shape[1] : 1;
}

/** Return an image of numbers. It is a button if `onpick(index)` is given; a click picks the number
 * under the pointer, and the keyboard the number with the largest magnitude.
 *
 * @param {ArrayLike<number>} data the whole array.
 * @param {object} plane see `planeOf`.
 * @param {object} options high (the magnitude of the strongest colour), grey (0 is black and `high`
 *     white), size, text, mark (an index, or null), region ([[row, row], [column, column]], or null).
 */
export function planeImage(data, plane, options) {
  const { high, grey = false, size, text, mark = null, region = null, onpick = null } = options;
  const { W, H, start, count } = plane;
  const numbers = new Float64Array(W * H);
  numbers.set(Float64Array.from({ length: count }, (_, i) => data[start + i]));
  const canvas = imageOf(numbers, [1, H, W], { signed: !grey, low: 0, high, size, text, decorative: onpick !== null });
  if (H * (parseFloat(canvas.style.width) / W) < LEAST) canvas.style.height = `${LEAST}px`;
  const frames = [];
  if (region) frames.push(frame("region", region, plane));
  if (mark !== null && mark >= start && mark < start + count) {
    const row = Math.floor((mark - start) / W), column = (mark - start) % W;
    frames.push(frame("mark", [[row, row], [column, column]], plane));
  }
  if (!onpick) return h("span", { className: "plane" }, canvas, ...frames);
  const pick = (event) => onpick(event.detail === 0 ? strongest(numbers, plane) : under(event, canvas, plane));
  return h("button", { type: "button", className: "plane", "aria-label": text, onclick: pick }, canvas, ...frames);
}

function frame(className, [[top, bottom], [left, right]], { W, H }) {
  const percent = (share) => `${100 * share}%`;
  return h("span", {
    className, "aria-hidden": "true",
    style: { left: percent(left / W), top: percent(top / H), width: percent((right - left + 1) / W), height: percent((bottom - top + 1) / H) },
  });
}

function under({ clientX, clientY }, canvas, { W, H, start, count }) {
  const box = canvas.getBoundingClientRect();
  const at = (offset, length, cells) => Math.min(cells - 1, Math.max(0, Math.floor((offset / length) * cells)));
  const row = at(clientY - box.top, box.height, H), column = at(clientX - box.left, box.width, W);
  return start + Math.min(count - 1, row * W + column);
}

function strongest(numbers, { start, count }) {
  let best = 0;
  for (let i = 1; i < count; i++) if (Math.abs(numbers[i]) > Math.abs(numbers[best])) best = i;
  return start + best;
}
