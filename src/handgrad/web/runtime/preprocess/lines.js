/** The step that removes dark edges, frames, boxes, grids and lines around a drawing. */

import { add_to, components, of } from "./components.js";
import { otsu_threshold } from "./ink.js";
import { Pixels, above, check_size } from "./pixels.js";
import { Step, check_grey } from "./step.js";

const SIDE = 128; // cells on the longer side of the copy in which lines are looked for
const MIN_LINES = 2; // what has fewer long straight lines in a direction is no box or ruled paper
const THICKEST = 6; // cells: a thicker part is a stroke of the drawing
const REACH = 3; // cells: ink that continues at this distance on both sides of a line crosses it

/**
 * Removes dark edges, frames, boxes of a form, squared paper and lines from around a drawing.
 *
 * Lines are looked for in a copy with at most 128 cells on the longer side. A cell has ink if one of
 * its pixels is lighter than half of Otsu's threshold, because lines are often fainter than the
 * drawing. Ink is only removed if enough ink remains to be a character. Images whose longer side is
 * shorter than `min_side` are left unchanged.
 */
export class RemoveLines extends Step {
  static title = "lines removed";
  static fields = { min_side: undefined };

  check() {
    check_size(this, "min_side");
  }

  apply(X) {
    check_grey(this, X);
    const longest = Math.max(X.height, X.width);
    if (longest < this.min_side) return X;
    const ink = in_cells(above(X, Math.floor(otsu_threshold(X) / 2)));
    let kept = ink;
    for (const find of [dark_edges, frames, straight_lines]) {
      const rest = without(kept, find(kept));
      if (is_enough(rest, kept)) kept = rest;
    }
    const removed = without(ink, kept);
    if (!removed.data.includes(1)) return X;
    const near = without(widened(removed), kept); // edges of a removed line are fainter than ink
    const [rows, columns] = [cells_of(X.height, longest), cells_of(X.width, longest)];
    const Y = new Pixels(X.height, X.width);
    for (let i = 0, at = 0; i < X.height; i++) {
      for (let j = 0; j < X.width; j++, at++) {
        Y.data[at] = near.data[rows[i] * near.width + columns[j]] ? 0 : X.data[at];
      }
    }
    return Y;
  }
}

/** Return whether any pixel of each cell has ink, in at most 128 cells on the longer side. */
export function in_cells(ink) {
  const { height, width, data } = ink;
  const longest = Math.max(height, width);
  const [rows, columns] = [cells_of(height, longest), cells_of(width, longest)];
  const cells = new Pixels(rows[height - 1] + 1, columns[width - 1] + 1);
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at++) {
      if (data[at]) cells.data[rows[i] * cells.width + columns[j]] = 1;
    }
  }
  return cells;
}

/** Return the number of the cell of each row or column of pixels. */
function cells_of(size, longest) {
  const count = longest > SIDE ? Math.max(1, Math.floor((size * SIDE) / longest)) : size;
  const cells = new Int32Array(size);
  for (let k = 0; k < size; k++) cells[k] = Math.floor((k * count) / size);
  return cells;
}

/** Return whether the remaining ink is at least a sixth of the height before. */
function is_enough(rest, before) {
  const [a, b] = [of(rest), of(before)];
  return a !== null && b !== null && 6 * Math.max(a.height, a.width) >= b.height;
}

/** Return the cells of a mask that are not in another one. */
function without(mask, other) {
  const rest = mask.zeros();
  for (let k = 0; k < rest.data.length; k++) rest.data[k] = mask.data[k] & ~other.data[k];
  return rest;
}

/** Set the cells of a mask to 1 that are 1 in another one. */
function add_mask(mask, other) {
  for (let k = 0; k < mask.data.length; k++) mask.data[k] |= other.data[k];
}

/** Return which cells or their neighbours, also at corners, are in a mask. */
function widened(cells) {
  for (let pass = 0; pass < 2; pass++) cells = transposed(with_neighbours(cells));
  return cells;
}

/** Return which cells, or the cells above or below, are in a mask. */
function with_neighbours(cells) {
  const { height, width, data } = cells;
  const near = cells.zeros();
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++, at++) {
      near.data[at] = data[at];
      if (i > 0) near.data[at] |= data[at - width];
      if (i < height - 1) near.data[at] |= data[at + width];
    }
  }
  return near;
}

/** Return a mask with rows and columns swapped. */
function transposed(mask) {
  const { height, width, data } = mask;
  const turned = new Pixels(width, height);
  for (let i = 0, at = 0; i < height; i++) {
    for (let j = 0; j < width; j++) turned.data[j * height + i] = data[at++];
  }
  return turned;
}

/** Return the components along half of a side of the image, or in one of its corners. */
export function dark_edges(ink) {
  const { height: H, width: W } = ink;
  const found = new Pixels(H, W);
  for (const part of components(ink)) {
    let [first, last, left, right, has_corner] = [0, 0, 0, 0, false];
    for (const cell of part.cells) {
      const y = Math.floor(cell / W);
      const x = cell - y * W;
      if (y === 0) first++;
      if (y === H - 1) last++;
      if (x === 0) left++;
      if (x === W - 1) right++;
      if ((y === 0 || y === H - 1) && (x === 0 || x === W - 1)) has_corner = true;
    }
    const is_long = 2 * Math.max(first, last) >= W || 2 * Math.max(left, right) >= H;
    if (has_corner || is_long) add_to(found, part);
  }
  return found;
}

/** Return frames with what is outside them, open boxes, and the lines of boxes and paper. */
function frames(ink) {
  const { height: H, width: W } = ink;
  const found = new Pixels(H, W);
  for (const part of components(ink)) {
    if (Math.max(part.height, part.width) < Math.floor(Math.max(H, W) / 8)) continue;
    const mask = part.mask(H, W);
    const count = sides_of(part, mask, ink);
    if (count === 4) {
      add_to(found, part);
      add_mask(found, outside(part, ink));
    } else if (count === 3 && is_open_box(part, mask)) {
      add_to(found, part);
    } else {
      add_mask(found, lines_in(part, mask));
    }
  }
  return found;
}

/**
 * Return on how many sides of other ink a component lies.
 *
 * The other ink is in the interior of the component's bounding box. If it has less than a quarter of
 * the height of the box, the result is 0.
 */
function sides_of(part, mask, ink) {
  const W = ink.width;
  const inside = new Pixels(ink.height, W);
  for (let y = part.top + 1; y < part.bottom - 1; y++) {
    for (let x = part.left + 1; x < part.right - 1; x++) {
      const at = y * W + x;
      if (ink.data[at] && !mask.data[at]) inside.data[at] = 1;
    }
  }
  const rest = of(inside);
  if (rest === null || 4 * rest.height < part.height) return 0;
  const row = Math.floor((rest.top + rest.bottom) / 2);
  const column = Math.floor((rest.left + rest.right) / 2);
  const [beside, across] = [new Set(), new Set()];
  for (const cell of part.cells) {
    const y = Math.floor(cell / W);
    const x = cell - y * W;
    if (y === row && x < rest.left) beside.add("left");
    if (y === row && x >= rest.right) beside.add("right");
    if (x === column && y < rest.top) across.add("above");
    if (x === column && y >= rest.bottom) across.add("below");
  }
  return beside.size + across.size;
}

/** Return the ink outside the bounding box of a component. */
function outside(part, ink) {
  const rest = new Pixels(ink.height, ink.width, 1, ink.data.slice());
  for (let y = part.top; y < part.bottom; y++) {
    rest.data.fill(0, y * ink.width + part.left, y * ink.width + part.right);
  }
  return rest;
}

/** Return whether a component has at least three straight lines, in both directions. */
function is_open_box(part, mask) {
  const across = bands(lines_across(mask, part.width).lines);
  const down = bands(lines_across(transposed(mask), part.height).lines);
  return Math.min(across, down) >= 1 && across + down > MIN_LINES;
}

/**
 * Return the long straight lines of a component, if it is a box or part of ruled paper.
 *
 * A box has two lines in each direction. Ruled paper has two lines across the whole image. Where
 * other ink crosses a line, the ink remains.
 */
function lines_in(part, mask) {
  const across = lines_across(mask, part.width);
  const down = lines_across(transposed(mask), part.height);
  const [two, two_down] = [across, down].map((found) => bands(found.lines) >= MIN_LINES);
  const lines = new Pixels(mask.height, mask.width);
  if (two && (two_down || 20 * part.width >= 19 * mask.width)) {
    add_mask(lines, without(across.lines, across.crossed));
  }
  if (two_down && (two || 20 * part.height >= 19 * mask.height)) {
    add_mask(lines, transposed(without(down.lines, down.crossed)));
  }
  if (lines.data.includes(1)) add_mask(lines, slivers(without(mask, lines)));
  return lines;
}

/**
 * Return the nearly horizontal lines of a component, and their cells that other ink crosses.
 *
 * A line is at least four fifths as long as the width of the component's bounding box, or half as
 * long if the component is as wide as the image.
 */
function lines_across(ink, width) {
  const { height: H, width: W } = ink;
  const is_wide = 20 * width >= 19 * W;
  const length = Math.max(1, Math.floor(is_wide ? width / 2 : (width * 4) / 5));
  const thick = transposed(runs(transposed(ink), THICKEST + 1));
  const lines = without(long_runs(ink, length), thick);
  const rest = without(ink, lines);
  const goes_on = (y, x, step) => {
    for (let k = 1; k <= REACH; k++) {
      const to = y + k * step;
      if (to >= 0 && to < H && rest.data[to * W + x]) return true;
    }
    return false;
  };
  const crossed = new Pixels(H, W);
  for (let y = 0, at = 0; y < H; y++) {
    for (let x = 0; x < W; x++, at++) {
      if (lines.data[at] && goes_on(y, x, -1) && goes_on(y, x, 1)) crossed.data[at] = 1;
    }
  }
  return { lines, crossed };
}

/** Return the components that are at most two cells wide: the rough edges of lines. */
function slivers(rest) {
  const found = new Pixels(rest.height, rest.width);
  for (const part of components(rest)) {
    if (Math.min(part.height, part.width) <= 2) add_to(found, part);
  }
  return found;
}

/**
 * Return the cells of nearly horizontal runs of at least `length` cells.
 *
 * A run may leave its row by one cell, so that a line may be slightly inclined.
 */
function long_runs(ink, length) {
  const found = runs(with_neighbours(ink), length);
  for (let k = 0; k < found.data.length; k++) found.data[k] &= ink.data[k];
  return found;
}

/** Return the cells of horizontal runs of at least `length` cells. */
function runs(ink, length) {
  const { height, width, data } = ink;
  const found = new Pixels(height, width);
  for (let i = 0; i < height; i++) {
    let start = i * width;
    for (let at = start; at <= (i + 1) * width; at++) {
      if (at < (i + 1) * width && data[at]) continue;
      if (at - start >= length) found.data.fill(1, start, at);
      start = at + 1;
    }
  }
  return found;
}

/** Return the number of groups of neighbouring rows that have a cell in a line. */
function bands(lines) {
  const { height, width, data } = lines;
  let [count, before] = [0, false];
  for (let i = 0; i < height; i++) {
    const has = data.subarray(i * width, (i + 1) * width).includes(1);
    if (has && !before) count++;
    before = has;
  }
  return count;
}

/** Return the components that are lines below, above or beside the remaining ink. */
function straight_lines(ink) {
  const { height: H, width: W } = ink;
  const parts = components(ink).filter((part) => is_underline(part) || is_margin(part, H));
  const lines = new Pixels(H, W);
  parts.forEach((part) => add_to(lines, part));
  const rest = of(without(ink, lines));
  const found = new Pixels(H, W);
  if (rest === null) return found;
  parts.filter((part) => lies_outside(part, rest, H)).forEach((part) => add_to(found, part));
  return found;
}

/** Return whether a component is a nearly horizontal line. */
function is_underline(part) {
  return part.width >= 5 * part.height;
}

/** Return whether a component is a nearly vertical line that is as high as the image. */
function is_margin(part, height) {
  return part.height >= 5 * part.width && 10 * part.height >= 9 * height;
}

/** Return whether a line does not belong to the remaining ink. */
function lies_outside(line, rest, height) {
  if (!is_underline(line)) return 6 * rest.height >= height;
  if (6 * rest.height < line.width) return false;
  const is_below = line.top >= rest.bottom && 5 * line.width >= 3 * rest.width;
  return is_below || 4 * line.width >= 5 * rest.width;
}
