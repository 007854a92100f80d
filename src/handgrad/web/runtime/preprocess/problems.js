/** Finds images that cannot be classified, such as a blank sheet. */

import { components, of } from "./components.js";
import { NOISE, has_uniform_edges, ink_balance, without_specks } from "./ink.js";
import { dark_edges, in_cells } from "./lines.js";
import { above, edge_colour, largest } from "./pixels.js";
import { Grayscale } from "./steps.js";

export const NOTHING = "nothing drawn";
export const LINES = "lines across the image";
export const OPPOSITE = "opposite polarity";

const CLEANED = ["SubtractBackground", "RemoveLines"]; // after these steps, what is light is ink
const MIN_SIDE = 40; // in an image with a smaller longer side, one pixel may be part of a line
const MAX_RUNS = 8; // of ink along the edges: a character without a margin has fewer
const CORNERS = 3; // of the image that two neighbouring dark edges have
const THIN = 8; // a line is at most an eighth of the image wide
const SPECK = 4; // of the 25 pixels around a pixel: with no more ink, the pixel is noise

/**
 * Return why an image cannot be classified, or null if it can.
 *
 * `stages` are the raw image and the image after each step, `kinds` the names of the steps.
 * `trained_on` is "dark" or "light", the ink of the training images, or null.
 */
export function problem(stages, kinds, trained_on) {
  const cleaned = kinds.findLastIndex((kind) => CLEANED.includes(kind));
  if (cleaned >= 0) return problem_of(ink_of_drawing(stages[cleaned + 1]));
  const inverts = kinds.includes("InvertDarkInk");
  if (trained_on === null && !inverts) return null; // the images may be of any kind
  const last = stages[stages.length - 1];
  let [least, most] = [255, 0];
  for (const value of last.data) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (most - least < NOISE) return NOTHING;
  if (inverts) return null;
  const found = ink_of(last);
  return found !== null && found !== trained_on ? OPPOSITE : null;
}

/**
 * Return whether an opaque image has "dark" or "light" ink on its background, or null if unclear.
 *
 * It is clear if at least nine tenths of the pixels at the edges are background, and the darker and
 * lighter pixels do not nearly cancel out.
 */
export function ink_of(X) {
  const grey = new Grayscale().apply(X);
  const edge = edge_colour(grey)[0];
  let amount = 0;
  for (const value of grey.data) {
    const difference = Math.abs(value - edge);
    if (difference >= NOISE) amount += difference;
  }
  const balance = ink_balance(grey);
  if (!has_uniform_edges(grey) || !amount || 2 * Math.abs(balance) < amount) return null;
  return balance < 0 ? "dark" : "light";
}

/** Return which pixels of a grey image with a black background are ink and not noise. */
function ink_of_drawing(X) {
  const ink = above(X, Math.max(NOISE, Math.floor(largest(X.data) / 4)));
  if (Math.max(ink.height, ink.width) < MIN_SIDE) return ink;
  return without_specks(ink, SPECK);
}

/** Return why the remaining ink of a drawing is no character, or null. */
function problem_of(ink) {
  if (!ink.data.includes(1)) return NOTHING;
  if (Math.max(ink.height, ink.width) < MIN_SIDE) return null;
  const cells = in_cells(ink);
  if (is_surroundings(cells)) return NOTHING;
  return is_single_line(cells) || runs_at_edges(ink) > MAX_RUNS ? LINES : null;
}

/**
 * Return whether an image has only dark edges or corners: its middle has no ink.
 *
 * A character that fills the whole image may also touch corners, but seldom three of them.
 */
function is_surroundings(cells) {
  const { height: H, width: W, data } = cells;
  const [top, left] = [Math.floor(H / 5), Math.floor(W / 5)];
  for (let y = top; y < H - top; y++) {
    for (let x = left; x < W - left; x++) if (data[y * W + x]) return false;
  }
  if (!dark_edges(cells).data.includes(1)) return false;
  const fills = components(cells).some((part) => part.height === H && part.width === W);
  const corners = data[0] + data[W - 1] + data[(H - 1) * W] + data[H * W - 1];
  return !fills || corners >= CORNERS;
}

/** Return whether all ink is one thin line from edge to edge, such as a fold. */
function is_single_line(cells) {
  const { height: H, width: W } = cells;
  const box = of(cells);
  if (box === null) return false;
  const is_high = 20 * box.height >= 19 * H && THIN * box.width <= W;
  return is_high || (20 * box.width >= 19 * W && THIN * box.height <= H);
}

/** Return the number of runs of ink along the edges of an image. */
function runs_at_edges(ink) {
  const { height: H, width: W, data } = ink;
  const around = [];
  for (let x = 0; x < W; x++) around.push(data[x]);
  for (let y = 1; y < H; y++) around.push(data[y * W + W - 1]);
  for (let x = W - 2; x >= 0; x--) around.push(data[(H - 1) * W + x]);
  for (let y = H - 2; y > 0; y--) around.push(data[y * W]);
  return around.filter((value, k) => value && !around[(k || around.length) - 1]).length;
}
