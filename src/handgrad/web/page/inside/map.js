// A map of the test images: the two principal components of a layer's output.

import { pack, post, unpack } from "../api.js";
import { FONT, SERIES, beginFigure, colour, line, seriesColour } from "../canvas.js";
import { fill, h, labelled, select, table } from "../dom.js";
import { digits, percent } from "../numbers.js";
import { changeSettings } from "../state.js";
import { t } from "../strings.js";
import { layerName } from "./names.js";
import { range_of } from "./place.js";

const HEIGHT = 420;
const MARGIN = 24;
const DELAY = 350; // milliseconds
const LETTERS = 3; // of a class's name, drawn at each point

export class LayerMap {
  constructor(view) {
    this.view = view;
    this.asked = 0;
    this.timer = null;
    this.layer = null;
    this.canvas = h("canvas", { role: "img", "aria-label": t("inside.map") });
    this.body = h("div", {});
    this.element = h("section", { className: "panel", id: "map" },
      h("h2", {}, t("inside.map")), h("p", { className: "small muted" }, t("inside.map-why")), this.body);
  }

  stop() {
    clearTimeout(this.timer);
    this.asked += 1;
  }

  /** Show the controls. The map itself is computed on request, and again when the image changes. */
  show() {
    const { view } = this, paths = view.trace.paths;
    this.layer ??= paths.includes(view.settings.map) ? view.settings.map : null;
    this.place = h("div", {});
    const choices = [["", t("inside.map-choose")], ...paths.map((path) => [path, layerName(view.trace, path)])];
    fill(this.body, labelled(t("inside.map-layer"), select(choices, this.layer ?? "", (path) => {
      this.layer = path || null;
      changeSettings({ map: this.layer });
      this.load();
    }, { id: "map-layer" })), this.place);
    this.load();
  }

  /** Compute the map again, soon after the last change of image or edits. */
  loadSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), DELAY);
  }

  async load() {
    const number = ++this.asked, { layer, view } = this;
    if (layer === null) return fill(this.place);
    fill(this.place, h("p", { role: "status" }, t("inside.map-wait")));
    try {
      const found = await post("/api/inside/map", { layer, edits: view.edits, image: pack(view.image) });
      if (number === this.asked) this.showMap({ ...found, places: unpack(found.places).data });
    } catch (error) {
      if (number === this.asked) fill(this.place, h("p", { className: "error" }, error.message));
    }
    return null;
  }

  showMap({ places, labels, explained, own, features }) {
    const { classes } = this.view.classifier;
    const values = { first: percent(explained[0]), second: percent(explained[1]), features, images: labels.length };
    Object.assign(this.element.dataset, { layer: this.layer, explained: explained.join(), own: own.join(), count: labels.length });
    this.element.places = places;
    this.canvas.setAttribute("aria-label", t("inside.map-text", values));
    const rows = () => labels.map((label, n) => [String(n), String(classes[label]), digits(places[2 * n]), digits(places[2 * n + 1])]);
    const details = h("details", {}, h("summary", { className: "small" }, t("chart.table")));
    details.ontoggle = () => {
      if (details.open && details.children.length === 1) {
        details.append(table([t("inside.index"), t("inside.class"), ">1", ">2"], rows(), t("inside.map")));
      }
    };
    fill(this.place, this.canvas, h("p", { className: "small" }, t("inside.map-explained", values)),
      h("p", { className: "small" }, t("inside.map-own", { first: digits(own[0]), second: digits(own[1]) })), details);
    this.draw(places, labels.map((k) => String(classes[k]).slice(0, LETTERS)), labels, own);
  }

  draw(places, names, labels, own) {
    const width = Math.max(260, Math.min(this.place.clientWidth || 600, 900));
    const context = beginFigure(this.canvas, width, HEIGHT);
    const along = (axis) => [...places.filter((_, i) => i % 2 === axis), own[axis]];
    const [x0, x1] = range_of(along(0)), [y0, y1] = range_of(along(1));
    const px = (x) => MARGIN + ((x - x0) / (x1 - x0 || 1)) * (width - 2 * MARGIN);
    const py = (y) => HEIGHT - MARGIN - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - 2 * MARGIN);
    Object.assign(context, { textAlign: "center", textBaseline: "middle" });
    labels.forEach((label, n) => {
      context.font = `${label % (2 * SERIES) < SERIES ? "" : "bold "}${FONT}`;
      context.fillStyle = seriesColour(label);
      context.fillText(names[n], px(places[2 * n]), py(places[2 * n + 1]));
    });
    context.strokeStyle = context.fillStyle = colour("--text");
    context.lineWidth = 3;
    const [x, y] = [px(own[0]), py(own[1])];
    context.beginPath();
    context.arc(x, y, 12, 0, 2 * Math.PI);
    context.stroke();
    line(context, [x - 20, y], [x + 20, y]);
    line(context, [x, y - 20], [x, y + 20]);
  }
}
