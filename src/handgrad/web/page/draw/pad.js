// The drawing pad: a canvas for pen, finger, mouse and keyboard.

import { h, labelled } from "../dom.js";
import { t } from "../strings.js";

export const SIDE = 280; // pixels of the drawing, whatever its size on the screen
const WIDTH = 0.075; // of a stroke, as a share of the side
const STEP = 7; // pixels that an arrow key moves the keyboard's brush

/** A pad. `onChange(isDone)` is called while a stroke is drawn, and with true when it ends. */
export class Pad {
  constructor(onChange) {
    this.onChange = onChange;
    this.strokes = []; // {width, points: [[x, y], ...]}
    this.background = null; // an image that was opened, or null for white paper
    this.brush = { x: SIDE / 2, y: SIDE / 2, isDown: false };
    this.canvas = h("canvas", {
      id: "pad", width: SIDE, height: SIDE, tabIndex: 0, className: "pad",
      role: "application", "aria-label": t("draw.pad"), "aria-describedby": "pad-help",
    });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.width = h("input", { type: "range", min: 0.02, max: 0.2, step: 0.005, value: WIDTH });
    this.element = h("div", {},
      this.canvas,
      h("p", { id: "pad-help", className: "small muted" }, t("draw.help")),
      h("div", { className: "row" },
        h("button", { type: "button", onclick: () => this.undo() }, t("draw.undo")),
        h("button", { type: "button", onclick: () => this.clear() }, t("draw.clear")),
        labelled(t("draw.width"), this.width)));
    this.listen();
    this.redraw();
  }

  /** Return the drawing as the ImageData of the canvas. */
  image() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  get isEmpty() {
    return this.strokes.length === 0 && this.background === null;
  }

  clear() {
    this.strokes = [];
    this.open(null);
  }

  undo() {
    this.strokes.pop();
    this.redraw();
    this.onChange(true);
  }

  /** Show an image (a bitmap or a canvas) to draw on, or null for white paper. */
  open(image) {
    this.background = image;
    this.strokes = image === null ? this.strokes : [];
    this.canvas.width = image?.width ?? SIDE;
    this.canvas.height = image?.height ?? SIDE;
    this.redraw();
    this.onChange(true);
  }

  redraw() {
    const { context, canvas } = this;
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.background !== null) {
      context.drawImage(this.background, 0, 0);
    } else {
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
    }
    for (const stroke of this.strokes) this.paint(stroke, 0);
  }

  /** Draw a stroke from its point number `from` on. A stroke of one point is a dot. */
  paint({ width, points }, from) {
    const { context, canvas } = this;
    context.lineWidth = width * Math.min(canvas.width, canvas.height);
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(...points[Math.max(0, from - 1)]);
    for (let i = from; i < points.length; i++) context.lineTo(...points[i]);
    context.stroke();
  }

  /** Begin a stroke, or continue the last one. */
  begin(x, y) {
    const stroke = { width: Number(this.width.value), points: [[x, y]] };
    this.strokes.push(stroke);
    this.paint(stroke, 0);
    this.onChange(false);
  }

  extend(points) {
    const stroke = this.strokes.at(-1);
    const from = stroke.points.length;
    stroke.points.push(...points);
    this.paint(stroke, from);
    this.onChange(false);
  }

  listen() {
    const { canvas } = this;
    let pointer = null; // the finger or pen that draws; others are ignored
    const place = ({ clientX, clientY }) => {
      const box = canvas.getBoundingClientRect();
      const x = ((clientX - box.left - canvas.clientLeft) / canvas.clientWidth) * canvas.width;
      const y = ((clientY - box.top - canvas.clientTop) / canvas.clientHeight) * canvas.height;
      return [x, y];
    };
    const end = (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      this.onChange(true);
    };
    canvas.onpointerdown = (event) => {
      if (pointer !== null || event.button !== 0) return;
      pointer = event.pointerId;
      canvas.setPointerCapture(pointer);
      this.begin(...place(event));
    };
    canvas.onpointermove = (event) => {
      if (event.pointerId !== pointer) return;
      const all = event.getCoalescedEvents?.() ?? [];
      this.extend((all.length ? all : [event]).map(place));
    };
    canvas.onpointerup = canvas.onpointercancel = end;
    canvas.onlostpointercapture = end;
    canvas.onkeydown = (event) => this.onKey(event);
    canvas.onblur = () => this.liftBrush();
  }

  /** Arrow keys move a brush, Space lowers and lifts it, Backspace removes the last stroke. */
  onKey(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const { brush, canvas } = this;
    if (event.key in moves) {
      const [dx, dy] = moves[event.key];
      const scale = (STEP / SIDE) * Math.min(canvas.width, canvas.height);
      brush.x = Math.min(canvas.width, Math.max(0, brush.x + dx * scale));
      brush.y = Math.min(canvas.height, Math.max(0, brush.y + dy * scale));
      if (brush.isDown) this.extend([[brush.x, brush.y]]);
      else this.showBrush();
    } else if (event.key === " ") {
      if (brush.isDown) {
        this.liftBrush();
      } else {
        this.redraw();
        brush.isDown = true;
        this.begin(brush.x, brush.y);
      }
    } else if (event.key === "Backspace") {
      this.liftBrush();
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Show where the lifted brush is. The mark is not part of the drawing. */
  showBrush() {
    this.redraw();
    const { context, brush } = this;
    context.lineWidth = 2;
    context.strokeStyle = "#888";
    context.beginPath();
    context.arc(brush.x, brush.y, 8, 0, 2 * Math.PI);
    context.stroke();
  }

  liftBrush() {
    const wasDown = this.brush.isDown;
    this.brush.isDown = false;
    this.redraw();
    if (wasDown) this.onChange(true);
  }
}
