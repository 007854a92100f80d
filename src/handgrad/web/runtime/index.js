/** Everything that the runtime offers: import from here. */

export * from "./array.js";
export * from "./calibration.js";
export * from "./classifier.js";
export * from "./errors.js";
export * from "./golden.js";
export * from "./inflate.js";
export * from "./layer.js";
export * from "./losses.js";
export * from "./model_file.js";
export * from "./network.js";
export * from "./ood.js";
export * from "./optim.js";
export * from "./pixel_range.js";
export { otsu_threshold } from "./preprocess/ink.js";
export { KINDS, Preprocessing, plain } from "./preprocess/preprocessing.js";
export { resize_rows } from "./preprocess/resize.js";
export * from "./random.js";
export * from "./registry.js";
export { utf8_encode } from "./safetensors.js";
export * from "./walk.js";
export * from "./sha256.js";
