/** The connected components of a binary image. */

import { Pixels, bounding_box } from "./pixels.js";

/**
 * A component of a mask: its bounding box and its cells.
 *
 * `top` is the first row, and `bottom` the row after the last one; `left` and `right` are the columns.
 * `cells` are the indices of its cells in the mask's data.
 */
export class Component {
  constructor(box, cells) {
    Object.assign(this, box, { cells });
    this.height = this.bottom - this.top;
    this.width = this.right - this.left;
  }

  /** Return a mask of the given size that holds 1 in the cells of the component. */
  mask(height, width) {
    const mask = new Pixels(height, width);
    add_to(mask, this);
    return mask;
  }
}

/** Set the cells of a component to 1 in a mask. */
export function add_to(mask, part) {
  for (const cell of part.cells) mask.data[cell] = 1;
}

/** Return a component with all cells of a mask that are 1, or null if there are none. */
export function of(mask) {
  const box = bounding_box(mask);
  if (box === null) return null;
  const cells = [];
  for (let cell = 0; cell < mask.data.length; cell++) if (mask.data[cell]) cells.push(cell);
  return new Component(box, cells);
}

/** Return the components of a mask; cells that share a corner are connected. */
export function components(ink) {
  const { height, width, data } = ink;
  const rest = data.slice();
  const found = [];
  for (let first = 0; first < rest.length; first++) {
    if (!rest[first]) continue;
    rest[first] = 0;
    const cells = [first]; // the cells whose neighbours are still unknown are at the end
    const box = { top: height, bottom: 0, left: width, right: 0 };
    for (let k = 0; k < cells.length; k++) {
      const y = Math.floor(cells[k] / width);
      const x = cells[k] - y * width;
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y + 1);
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      for (let i = Math.max(y - 1, 0); i <= Math.min(y + 1, height - 1); i++) {
        for (let j = Math.max(x - 1, 0); j <= Math.min(x + 1, width - 1); j++) {
          const near = i * width + j;
          if (rest[near]) cells.push(near);
          rest[near] = 0;
        }
      }
    }
    found.push(new Component(box, cells));
  }
  return found;
}
