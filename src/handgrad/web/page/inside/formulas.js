// The formulas of layers, in the symbols and with the indices of the terms below them.

import { h } from "../dom.js";
import { t } from "../strings.js";
import { window_of } from "./place.js";

// What layers compute now, in inference mode, if their formula is that of training.
const INFERENCE = {
  BatchNorm: { value: "Y = γ (X − μ)/σ + β", gradient: "dX = γ/σ · dY" },
  Dropout: { value: "Y = X", gradient: "dX = dY" },
  Dropout2d: { value: "Y = X", gradient: "dX = dY" },
};

const AT = "r·s+i−p, q·s+j−p"; // the row and the column in X, which has no padding here

// Formulas for one image. Those of the docstrings count from the corner of the padding.
const WINDOWS = {
  Conv2d: {
    value: [`Y[o, r, q] = Σ_{c,i,j} W[o, c, i, j] X[c, ${AT}] + b[o]`],
    gradient: [
      "dX[c, h, w] = Σ_{o,i,j} dY[o, r, q] W[o, c, i, j], where r·s+i−p = h and q·s+j−p = w",
      `dW[o, c, i, j] = Σ_{r,q} dY[o, r, q] X[c, ${AT}]`,
      "db[o] = Σ_{r,q} dY[o, r, q]",
    ],
  },
  MaxPool2d: { value: [`Y[c, r, q] = max_{i,j} X[c, ${AT}]`] },
  AvgPool2d: { value: [`Y[c, r, q] = 1/(kh·kw) Σ_{i,j} X[c, ${AT}]`] },
};

/** Return the formulas of a layer in a mode, "value" or "gradient". `found` has those of Python. */
export function formulaOf(layer, found, mode) {
  const kind = layer.constructor.name;
  const now = INFERENCE[kind] ? [t("inside.now", { formula: INFERENCE[kind][mode] })] : [];
  const lines = WINDOWS[kind]?.[mode] ?? found[mode === "value" ? "forward" : "backward"];
  return formula([...now, ...lines, ...(WINDOWS[kind]?.[mode] ? windowNotes(layer, kind) : [])]);
}

export function formula(lines) {
  return h("p", { className: "formula" }, lines.join("\n"));
}

/** Return what the symbols of a window mean in a layer, such as ["here: stride s = 2, padding p = 1"]. */
function windowNotes(layer, kind) {
  const [, stride, padding] = window_of(layer).map(([down, across]) => (down === across ? down : `${down} × ${across}`));
  const note = t("inside.window", { stride, padding });
  if (padding === 0) return [note];
  return [note, t(kind === "MaxPool2d" ? "inside.outside-left-out" : "inside.outside-zero")];
}
