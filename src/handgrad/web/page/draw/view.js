// The view Draw: a drawing, a file or a test image, and the network's answer while one draws.

import { pack, post, unpack } from "../api.js";
import { announce, fill, h, safely } from "../dom.js";
import { decode } from "../image_file.js";
import { imageAt, imageOf, rangeOf } from "../images.js";
import { keepImage } from "../last_image.js";
import { classifierOrReason, loadImages } from "../model.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";
import { Answer } from "./answer.js";
import { Pad } from "./pad.js";
import { Series } from "./series.js";

const NEAREST_DELAY = 250; // milliseconds after the last change

export const view = {
  async mount(main, settings) {
    main.append(h("h1", {}, t("view.draw")));
    const classifier = await classifierOrReason(main);
    return classifier && new DrawView(main, classifier, settings).start();
  },
};

class DrawView {
  constructor(main, classifier, settings) {
    Object.assign(this, { main, classifier, settings });
    this.pad = new Pad((isDone) => this.onDrawing(isDone));
    this.answer = new Answer();
    this.nearest = h("ul", { className: "grid", id: "nearest" });
    this.tally = { right: 0, all: 0 };
    this.tallyText = h("p", { id: "tally" });
    this.frame = null;
    this.timer = null;
    this.file = h("input", { type: "file", accept: "image/*", onchange: () => this.openFile(this.file) });
    this.camera = h("input", { type: "file", accept: "image/*", onchange: () => this.openFile(this.camera) });
    this.camera.setAttribute("capture", "environment");
    this.series = new Series(this);
  }

  start() {
    const test = h("button", { type: "button", id: "test-image", onclick: safely(() => this.showTestImage(null)) }, t("draw.test"));
    this.main.append(h("div", { className: "columns" },
      h("section", { className: "panel" }, h("h2", {}, t("draw.your")), this.pad.element,
        h("div", { className: "row" },
          test,
          h("label", { className: "button" }, t("draw.file"), hidden(this.file)),
          h("label", { className: "button" }, t("draw.camera"), hidden(this.camera))),
        this.tallyText),
      h("section", { className: "panel" }, h("h2", {}, t("draw.answer")), this.answer.element,
        h("a", { className: "button", href: "#/inside" }, t("draw.inside")),
        h("h3", {}, t("draw.nearest")), h("p", { className: "small muted" }, t("draw.nearest-why")), this.nearest),
      this.series.element), this.answer.stepsPanel);
    this.pad.canvas.after(this.answer.brief);
    this.answer.clear();
    if (this.settings.image !== undefined) safely(() => this.showTestImage(Number(this.settings.image)))();
    return () => {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.timer);
    };
  }

  /** Classify what is on the pad: at once when a stroke ends, otherwise with the next frame. */
  onDrawing(isDone) {
    changeSettings({ image: null });
    if (isDone) {
      this.classify();
    } else if (this.frame === null) {
      this.frame = requestAnimationFrame(() => this.classify());
    }
  }

  classify() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    if (this.pad.isEmpty) {
      this.answer.clear();
      fill(this.nearest);
      return;
    }
    this.present(this.classifier.predict(this.pad.image()));
  }

  present(prediction, label = null, index = null) {
    keepImage(prediction.input, index);
    this.answer.show(prediction, label);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.showNearest(prediction), NEAREST_DELAY);
  }

  /** Show the training images that the last hidden layer finds most alike. */
  async showNearest(prediction) {
    try {
      const { images, labels, distances } = await post("/api/draw/nearest", { image: pack(prediction.input) });
      const found = unpack(images);
      if (this.answer.element.prediction !== prediction) return; // another drawing by now
      fill(this.nearest, ...labels.map((label, n) => {
        const { shape, data } = imageAt(found, n);
        const text = t("draw.nearest-image", { label });
        return h("li", { dataset: { label, distance: distances[n] } }, h("figure", {},
          imageOf(data, shape, { ...rangeOf(data), size: 56, text }), h("figcaption", {}, label)));
      }));
    } catch (error) {
      fill(this.nearest, h("li", {}, error.message));
    }
  }

  /** Show a test image, or a random one if `index` is null, and count whether the answer is right. */
  async showTestImage(index) {
    const { total } = await loadImages("test", 0, 1);
    const wanted = index ?? Math.floor(Math.random() * total);
    const n = Number.isInteger(wanted) && wanted >= 0 ? Math.min(wanted, total - 1) : 0;
    const { images, labels, classes } = await loadImages("test", n, 1);
    this.pad.strokes = [];
    this.pad.background = null;
    this.pad.redraw();
    const [prediction] = this.classifier.predict_inputs(images, { pixel_range: "raw" });
    const label = classes[labels[0]];
    this.tally.all += 1;
    this.tally.right += String(prediction.predicted) === label;
    this.tallyText.textContent = t("draw.tally", this.tally);
    changeSettings({ image: n });
    this.showOnPad(imageAt(images, 0));
    this.present(prediction, label, n);
  }

  /** Show a test image on the pad, enlarged, without making it part of a drawing. */
  showOnPad({ shape, data }) {
    const small = imageOf(data, shape, rangeOf(data));
    const { context, canvas } = this.pad;
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
  }

  async openFile(control) {
    const [file] = control.files;
    control.value = "";
    if (!file) return;
    try {
      this.pad.open(await decode(file));
    } catch (error) {
      announce(t("draw.no-image", { name: file.name, reason: error.message }));
    }
  }
}

/** Return a file control that is hidden behind its label, but can be reached by keyboard. */
function hidden(control) {
  control.className = "behind-label";
  return control;
}
