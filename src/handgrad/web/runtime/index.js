/** Everything that the runtime offers: import from here. */

export * from "./array.js";
export * from "./errors.js";
export * from "./layer.js";
export * from "./losses.js";
export * from "./model_file.js";
export * from "./network.js";
export * from "./optim.js";
export * from "./random.js";
export * from "./registry.js";
export * from "./walk.js";
