// The receptive field of a number: which part of each earlier layer, and of the image, it depends on.
//
// A region of an array is a list of ranges [first, last], one per axis after the batch: channels, rows
// and columns of an image, or the elements of a vector.

import { Residual, Sequential } from "../../runtime/chain.js";
import { place_of, window_of } from "./place.js";

/** Return a map from each path (and the image's) to the region that a number depends on. */
export function receptive_field(trace, path, index) {
  const regions = new Map([[path, place_of(trace.values(path).shape, index).map((at) => [at, at])]]);
  const merge = (to, region) => {
    const known = regions.get(to);
    regions.set(to, known ? known.map((range, axis) => union(range, region[axis])) : region);
  };
  for (const at of trace.paths.reverse()) { // every layer after all layers that read its output
    const region = regions.get(at);
    if (!region) continue;
    const step = trace.steps.get(at);
    const is_container = step.layer instanceof Sequential || step.layer instanceof Residual;
    if (is_container) for (const part of step.parts) merge(part, region);
    else merge(step.source, region_before(step, region));
  }
  return regions;
}

/** Return the region of a layer's input on which a region of its output depends. */
function region_before({ layer, X, Y }, region) {
  const whole = X.shape.slice(1).map((length) => [0, length - 1]);
  switch (layer.constructor.name) {
    case "Dense":
      return whole;
    case "GlobalAvgPool2d":
      return [region[0], ...whole.slice(1)];
    case "Flatten":
      return before_flatten(X, region[0], whole);
    case "Conv2d":
      return [whole[0], ...before_window(layer, region, whole)];
    case "MaxPool2d":
    case "AvgPool2d":
      return [region[0], ...before_window(layer, region, whole)];
    default: // each number depends on the one at the same position
      return X.shape.length === Y.shape.length ? region : whole;
  }
}

function before_window(layer, [, ...region], [, ...whole]) {
  const [kernel, stride, padding] = window_of(layer);
  return region.map(([first, last], axis) => [
    Math.max(0, first * stride[axis] - padding[axis]),
    Math.min(whole[axis][1], last * stride[axis] - padding[axis] + kernel[axis] - 1),
  ]);
}

function before_flatten(X, [first, last], whole) {
  return first === last ? place_of(X.shape, first).map((at) => [at, at]) : whole;
}

function union([a, b], [c, d]) {
  return [Math.min(a, c), Math.max(b, d)];
}
