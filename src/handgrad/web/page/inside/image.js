// The image, the choice of another one, and the occlusion map.

import { fill, h, labelled } from "../dom.js";
import { imageOf, rangeOf } from "../images.js";
import { digits } from "../numbers.js";
import { t } from "../strings.js";
import { temperature_of } from "./edits.js";
import { occlusion, places } from "./occlusion.js";
import { range_of } from "./place.js";

const SIZE = 168; // CSS pixels

export class ImagePanel {
  constructor(view) {
    this.view = view;
    this.running = 0;
    this.frame = h("div", { className: "row top" });
    this.name = h("p", { id: "image-name" });
    this.map = h("div", { id: "occlusion" });
    this.index = h("input", { type: "number", min: 0, id: "image-index" });
    this.index.onchange = () => view.open(Math.max(0, Math.round(Number(this.index.value) || 0)));
    const button = (name, action) => h("button", { type: "button", id: `${name}-image`, onclick: action }, t(`inside.${name}`));
    this.element = h("section", { className: "panel" },
      h("h2", {}, t("inside.image")), this.frame, this.name,
      h("div", { className: "row" },
        labelled(t("inside.test-image"), this.index),
        button("previous", () => view.open(Math.max(0, (view.index ?? 1) - 1))),
        button("next", () => view.open((view.index ?? -1) + 1)),
        button("random", () => view.open(Math.floor(Math.random() * view.total))),
        h("a", { className: "button", href: "#/draw" }, t("inside.draw-one"))),
      h("div", { className: "row" }, h("button", { type: "button", id: "occlude", onclick: () => this.occlude() }, t("inside.occlude"))),
      this.map);
  }

  stop() {
    this.running += 1;
  }

  show() {
    this.stop();
    const { image, index, total, classifier, trueLabel } = this.view;
    const name = index === null ? t("inside.drawing") : t("inside.test-name", { n: index, last: total - 1, label: trueLabel === null ? "–" : classifier.classes[trueLabel] });
    this.name.textContent = name;
    this.index.value = index ?? "";
    this.index.max = total - 1;
    fill(this.frame, imageOf(image.data, image.shape, { ...rangeOf(image.data), size: SIZE, text: name }));
    fill(this.map);
    delete this.map.dataset.ready;
  }

  /** Compute the occlusion map row by row, so that the page stays usable. */
  async occlude() {
    const number = ++this.running, { view } = this, { image, network, classifier, edits, best } = view;
    const [, H, W] = image.shape, { patch, rows, columns } = places(H, W);
    const temperature = temperature_of(edits, classifier.calibration?.temperature ?? 1);
    const found = [], progress = h("progress", { max: rows, value: 0, "aria-label": t("inside.occlude") });
    fill(this.map, progress);
    delete this.map.dataset.ready;
    for (const row of occlusion(network, image, best, temperature)) {
      found.push(...row);
      progress.value = found.length / columns;
      await new Promise((resolve) => setTimeout(resolve));
      if (number !== this.running) return;
    }
    const [low, high] = range_of(found), at = found.indexOf(low), label = classifier.classes[best];
    const values = { label, low: digits(low), high: digits(high), patch, row: Math.floor(at / columns), column: at % columns };
    this.map.values = found;
    fill(this.map, h("figure", {},
      imageOf(found, [1, rows, columns], { low: 0, high: 1, size: SIZE, text: t("inside.occlusion-text", values) }),
      h("figcaption", {}, t("inside.occlusion-why", values))));
    this.map.dataset.ready = rows;
  }
}
