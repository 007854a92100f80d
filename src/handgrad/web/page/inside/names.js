// How layers, numbers and weights are called.

import { t } from "../strings.js";
import { place_of } from "./place.js";
import { INPUT } from "./trace.js";

const SYMBOLS = {
  BatchNorm: { weight: "γ", bias: "β", running_mean: "μ", running_var: "σ²" },
  Normalize: { mean: "m", std: "s" },
};

/** Return the name of a layer, such as "3 Conv2d". */
export function layerName(trace, path) {
  return path === INPUT ? t("inside.image") : `${path} ${kindOf(trace, path)}`;
}

export function kindOf(trace, path) {
  return trace.steps.get(path).layer.constructor.name;
}

/** Return the position of a number in words. */
export function placeName(shape, index) {
  const place = place_of(shape, index);
  if (place.length === 1) return t("inside.element", { n: place[0] });
  const [c, row, column] = place;
  return t("inside.place", { c, row, column });
}

/** Return the name of a factor, such as "W[3,0,1,2]" or "X[0,5,7]". */
export function factorName(trace, { path, array, index, name }, symbol) {
  if (array !== undefined) return weightName(trace, array, index);
  if (path === undefined) return name === "padding" || name === "largest" ? t(`inside.${name}`) : name;
  return `${symbol}[${place_of(trace.values(path).shape, index).join(",")}]`;
}

export function weightName(trace, array, index) {
  const at = array.lastIndexOf("."), path = array.slice(0, at), name = array.slice(at + 1);
  const symbol = SYMBOLS[kindOf(trace, path)]?.[name] ?? (name === "weight" ? "W" : "b");
  const shape = [1, ...trace.network.arrays[array].shape];
  return `${symbol}[${place_of(shape, index).join(",")}]`;
}
