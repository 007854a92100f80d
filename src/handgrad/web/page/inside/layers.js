// Every layer's output for the image, as images.

import { fill, h } from "../dom.js";
import { digits } from "../numbers.js";
import { t } from "../strings.js";
import { kindOf, layerName } from "./names.js";
import { planeImage, planeOf, planesOf } from "./plane.js";
import { range_of } from "./place.js";
import { INPUT } from "./trace.js";

const FIRST = 12; // maps of a layer, before "show more"
const MORE = 36;
const SIZE = 84; // of a map, in CSS pixels
const WIDE = 320; // of a vector

/** The list of layers. `view` has trace, chosen ({path, index}), mode, regions and `choose`. */
export class Layers {
  constructor(view) {
    this.view = view;
    this.limits = new Map(); // how many maps of each layer are shown
    this.element = h("div", { id: "layers" });
  }

  /** Show all layers of `view.trace`. */
  show() {
    const { trace, mode } = this.view;
    this.cards = new Map([INPUT, ...trace.paths].map((path) => [path, this.card(path)]));
    fill(this.element, mode === "gradient" ? this.notice() : null, ...this.cards.values());
  }

  /** Show one layer again, with another mark or other gradients. */
  update(path) {
    const card = this.card(path);
    this.cards.get(path)?.replaceWith(card);
    this.cards.set(path, card);
  }

  /** Say that gradients are shown, and offer the values again. */
  notice() {
    return h("div", { className: "notice", id: "gradients-shown" },
      h("h3", {}, t("inside.gradients")), h("p", {}, t("inside.gradients-why")),
      h("button", { type: "button", id: "show-values", onclick: () => this.view.changeMode("value") }, t("inside.show-values")));
  }

  card(path) {
    const { trace, mode } = this.view;
    const values = mode === "gradient" ? trace.slopes(path) : trace.values(path);
    const { shape, data } = values, [low, high] = range_of(data);
    const depth = path === INPUT ? 0 : Math.floor(path.split(".").length / 2);
    const kind = path === INPUT ? "image" : kindOf(trace, path);
    const about = `${shape.slice(1).join(" × ")}, ${t("inside.range", { low: digits(low), high: digits(high) })}`;
    return h("section", {
      className: "layer", dataset: { path, kind, shape: shape.slice(1).join(), low, high, depth },
      style: { marginInlineStart: `${Math.min(depth, 3) * 12}px` },
    },
      h("h3", {}, layerName(trace, path), " ", h("span", { className: "small muted" }, about)),
      h("p", { className: "small muted" }, this.caption(path, kind)),
      this.images(path, values, Math.max(Math.abs(low), Math.abs(high))));
  }

  /** What the numbers of a layer are. */
  caption(path, kind) {
    if (this.view.mode === "value") return t(`inside.kind.${kind}`);
    return t(path === INPUT ? "inside.gradients-image" : "inside.gradients-of");
  }

  images(path, { shape, data }, high) {
    const count = planesOf(shape), limit = Math.min(count, this.limits.get(path) ?? FIRST);
    const rest = count - limit;
    return h("div", { className: "grid" },
      ...Array.from({ length: limit }, (_, c) => this.image(path, shape, data, c, high)),
      rest === 0 ? null : h("button", {
        type: "button",
        onclick: () => {
          this.limits.set(path, limit + MORE);
          this.update(path);
        },
      }, t("inside.more", { rest })));
  }

  image(path, shape, data, c, high) {
    const { chosen, regions, mode } = this.view, plane = planeOf(shape, c), region = regions.get(path);
    const isInRegion = region && path !== chosen.path && shape.length === 4 && region[0][0] <= c && c <= region[0][1];
    const [low, most] = range_of(data.subarray(plane.start, plane.start + plane.count));
    const range = t("inside.range", { low: digits(low), high: digits(most) });
    return planeImage(data, plane, {
      high,
      grey: path === INPUT && mode === "value",
      size: shape.length === 4 ? SIZE : Math.min(WIDE, 28 * plane.W),
      text: `${mode === "gradient" ? `${t("inside.gradients")}: ` : ""}${layerName(this.view.trace, path)}, ${shape.length === 4 ? t("inside.channel", { c }) : t("inside.vector")}: ${range}`,
      mark: path === chosen.path ? chosen.index : null,
      region: isInRegion ? region.slice(1) : null,
      onpick: (index) => this.view.choose(path, index),
    });
  }
}
