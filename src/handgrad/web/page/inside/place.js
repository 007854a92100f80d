// Positions of numbers in arrays.

/** Return the position [c, h, w], or [f] in a vector, of the i-th number of an array (1, ...). */
export function place_of(shape, index) {
  const place = [];
  for (let axis = shape.length - 1; axis > 0; axis--) {
    place.unshift(index % shape[axis]);
    index = Math.floor(index / shape[axis]);
  }
  return place;
}

/** Return the index of the number at a position. */
export function index_of(shape, place) {
  return place.reduce((index, at, axis) => index * shape[axis + 1] + at, 0);
}

/** Return the number of pixels of one channel of an array (1, C, H, W), which is 1 in (1, F). */
export function pixels_of(shape) {
  return shape.slice(2).reduce((a, b) => a * b, 1);
}

/** Return [lowest, highest] of a list of numbers. */
export function range_of(data) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Return [kernel, stride, padding] of a convolution or pooling layer, each as [vertical, horizontal]. */
export function window_of({ kernel, stride, padding }) {
  const pair = (value) => (Array.isArray(value) ? value : [value, value]);
  return [pair(kernel), pair(stride ?? kernel), pair(padding)];
}
