// The view Inside: every number of one image's computation, and a lab that edits the network.

import { get } from "../api.js";
import { announce, h } from "../dom.js";
import { imageAt } from "../images.js";
import { lastImage } from "../last_image.js";
import { classifierOrReason, loadImages } from "../model.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";
import { AnswerPanel } from "./answer.js";
import { edited, read_edits } from "./edits.js";
import { receptive_field } from "./field.js";
import { ImagePanel } from "./image.js";
import { Lab } from "./lab.js";
import { Layers } from "./layers.js";
import { LayerMap } from "./map.js";
import { NeuronSection } from "./neuron.js";
import { NumberPanel } from "./number.js";
import { gradient_terms, value_terms } from "./terms.js";
import { INPUT, Trace } from "./trace.js";
import { WeightSection } from "./weight.js";

const NARROW = "(max-width: 900px)"; // the panel of a number then stands below its layer

export const view = {
  async mount(main, settings) {
    main.append(h("h1", {}, t("view.inside")));
    const classifier = await classifierOrReason(main);
    return classifier && new InsideView(main, classifier, settings).start();
  },
};

/**
 * The state of the view:
 * - image, index, trueLabel: the image as the network takes it; its index in the test images and its
 *   class, or null for a drawing.
 * - label: the class for which the loss is computed.
 * - edits, network: the edits, and the network with them; original: the trace without them.
 * - trace: all numbers; chosen: {path, index} of one number; mode: "value" or "gradient".
 * - weight: {array, index} of one weight, or null; regions: see `receptive_field`.
 */
class InsideView {
  constructor(main, classifier, settings) {
    Object.assign(this, { main, classifier, settings, total: 0, loading: 0, weight: null, regions: new Map() });
    this.mode = settings.show === "gradient" ? "gradient" : "value";
    const { edits, left_out } = read_edits(settings.edits, classifier.network);
    Object.assign(this, { edits, leftOut: left_out });
    this.network = edited(classifier.network, this.edits);
    this.lab = new Lab(this);
    this.imagePanel = new ImagePanel(this);
    this.answer = new AnswerPanel(this);
    this.layers = new Layers(this);
    this.weightSection = new WeightSection(this);
    this.neuron = new NeuronSection(this);
    this.number = new NumberPanel(this, [this.weightSection.element, this.neuron.element, this.lab.strip]);
    this.map = new LayerMap(this);
  }

  async start() {
    this.formulas = await get("/api/inside/formulas");
    const last = lastImage(), given = this.settings.image;
    if (given === undefined && last !== null && last.index === null) await this.openDrawing(last.image);
    else await this.load(Number(given ?? last?.index ?? 0));
    if (this.image === undefined) return null;
    const label = Number(this.settings.label);
    if (this.settings.label !== undefined && label in this.classifier.classes) this.label = label;
    this.build();
    this.narrow = matchMedia(NARROW);
    this.narrow.onchange = () => this.placePanel();
    this.refresh();
    this.lab.show();
    this.map.show();
    if (this.leftOut > 0) announce(t("inside.left-out", { count: this.leftOut }));
    return () => {
      this.narrow.onchange = null;
      for (const part of [this.lab, this.imagePanel, this.map]) part.stop();
    };
  }

  build() {
    this.side = h("div", { className: "inside-side" }, this.number.element);
    this.main.append(
      h("p", {}, t("inside.why")),
      h("div", { className: "columns" }, this.imagePanel.element, this.answer.element, this.lab.element),
      h("div", { className: "inside-columns" },
        h("section", { className: "panel" }, h("h2", {}, t("inside.layers")), h("p", { className: "small muted" }, t("inside.layers-why")),
          this.layers.element, this.answer.softmax),
        this.side),
      this.map.element);
  }

  /** Load a test image. An index beyond the last one shows the last one. */
  async load(index) {
    const wanted = Number.isInteger(index) && index >= 0 ? index : 0, number = ++this.loading;
    try {
      const { total } = this.total ? this : await loadImages("test", 0, 1);
      this.total = total;
      const n = Math.min(wanted, total - 1), { images, labels, classes } = await loadImages("test", n, 1);
      if (number !== this.loading) return; // another image was opened meanwhile
      const label = this.classifier.classes.map(String).indexOf(String(classes[labels[0]]));
      Object.assign(this, { image: imageAt(images, 0), index: n, trueLabel: label < 0 ? null : label });
    } catch (error) {
      this.main.append(h("p", { className: "error" }, error.message));
      return;
    }
    this.label = this.trueLabel ?? this.predicted();
  }

  async openDrawing(image) {
    Object.assign(this, { image, index: null, trueLabel: null });
    this.label = this.predicted();
    this.total = await loadImages("test", 0, 1).then(({ total }) => total, () => 0);
  }

  predicted() {
    const { shape, data } = this.image;
    const [Z] = this.network.forward({ shape: [1, ...shape], data });
    return Z.data.indexOf(Math.max(...Z.data));
  }

  /** Show another test image. */
  async open(index) {
    await this.load(index);
    changeSettings({ image: this.index, label: null });
    this.refresh();
    this.map.loadSoon();
  }

  changeLabel(label) {
    this.label = label;
    changeSettings({ label: label === this.trueLabel ? null : label });
    this.refresh();
  }

  changeEdits(edits) {
    try {
      this.network = edited(this.classifier.network, edits);
    } catch (error) {
      announce(t("error", { reason: error.message }));
      return;
    }
    this.edits = edits;
    this.refresh();
    this.lab.show();
    this.map.loadSoon();
  }

  changeMode(mode) {
    this.mode = mode;
    changeSettings({ show: mode === "value" ? null : mode });
    this.layers.show();
    this.number.show();
    this.placePanel();
  }

  /** Compute everything for the image again, and show it. */
  refresh() {
    this.trace = new Trace(this.network, this.image, this.label);
    this.original = this.edits.length === 0 ? this.trace : new Trace(this.classifier.network, this.image, this.label);
    this.chosen = this.chosen ?? this.chosenAtFirst();
    this.regions = receptive_field(this.trace, this.chosen.path, this.chosen.index);
    this.weight = this.weight ?? this.strongestWeight() ?? { array: Object.keys(this.network.parameters)[0], index: 0 };
    this.best = this.answer.show();
    this.imagePanel.show();
    this.lab.showEffect();
    this.layers.show();
    this.showNumber();
    this.placePanel();
  }

  /** The number of the address; otherwise the largest output of the first layer with weights. */
  chosenAtFirst() {
    const { layer, at } = this.settings, index = Number(at);
    const isKnown = layer === INPUT || this.trace.steps.has(layer);
    if (isKnown && index in this.trace.values(layer).data) return { path: layer, index };
    const path = this.trace.paths.find((other) => this.trace.steps.get(other).params.weight?.data) ?? this.trace.paths[0];
    const { data } = this.trace.values(path);
    return { path, index: data.indexOf(data.reduce((a, b) => Math.max(a, b))) };
  }

  strongestWeight() {
    const terms = [...value_terms(this.trace, this.chosen.path, this.chosen.index), ...gradient_terms(this.trace, this.chosen.path, this.chosen.index)];
    let best = null, size = -1;
    for (const { factors, value } of terms) {
      const weight = factors.find(({ array }) => array !== undefined);
      if (weight && Math.abs(value) > size) [best, size] = [{ array: weight.array, index: weight.index }, Math.abs(value)];
    }
    return best;
  }

  /** Show another number; the same one again shows its gradient. With `isTapped`, the panel moves into sight on a narrow screen. */
  choose(path, index, isTapped = true) {
    const before = this.chosen.path, regions = this.regions;
    if (isTapped && path === before && index === this.chosen.index) {
      this.changeMode(this.mode === "value" ? "gradient" : "value");
      return;
    }
    this.chosen = { path, index };
    this.regions = receptive_field(this.trace, path, index);
    this.weight = this.strongestWeight() ?? this.weight;
    this.number.isWhole = false;
    changeSettings({ layer: path, at: index });
    const changed = new Set([before, path, ...regions.keys(), ...this.regions.keys()]);
    const focused = document.activeElement?.dataset.move;
    for (const other of changed) this.layers.update(other);
    this.showNumber();
    this.placePanel(isTapped);
    if (focused) this.number.element.querySelector(`[data-move="${focused}"]`)?.focus();
  }

  chooseWeight(array, index) {
    this.weight = { array, index };
    this.weightSection.show();
    this.neuron.showWeights();
    this.weightSection.element.scrollIntoView({ block: "nearest" });
  }

  showNumber() {
    this.number.show();
    this.weightSection.show();
    this.neuron.show();
  }

  /** Put the panel of the number beside the layers, or below its layer if the screen is narrow. */
  placePanel(isTapped = false) {
    if (!this.narrow) return;
    const panel = this.number.element;
    if (this.narrow.matches) this.layers.cards.get(this.chosen.path).after(panel);
    else this.side.append(panel);
    if (isTapped && this.narrow.matches) panel.scrollIntoView({ block: "start" });
    if (isTapped) panel.focus({ preventScroll: true });
  }
}
