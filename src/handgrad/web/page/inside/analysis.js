// Everything of the view Inside that only computes: no element of the page, no request.

export * from "./edits.js";
export * from "./field.js";
export * from "./occlusion.js";
export * from "./place.js";
export * from "./prove.js";
export * from "./terms.js";
export * from "./trace.js";
export { build_network } from "../../runtime/model_file.js";
