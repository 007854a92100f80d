// Line charts on a canvas, with the same numbers as a table for people who cannot see it.

import { beginFigure, colour, line, seriesColour } from "./canvas.js";
import { fill, h, table } from "./dom.js";
import { short } from "./numbers.js";
import { t } from "./strings.js";

const HEIGHT = 220;
const LEFT = 66;
const BOTTOM = 34;
const TOP = 10;
const RIGHT = 12;
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [4, 4]];

/** Return a chart: an element with the method `show(series)`.
 *
 * A series is {name, x: number[], y: number[]}. The numbers of the last `show` are in the
 * element's property `series`.
 *
 * @param {object} options title, xName, yName, yMin and yMax (null: from the numbers), format (a
 *     function from a number to a text).
 */
export function lineChart({ title, xName, yName, yMin = null, yMax = null, format = short }) {
  const canvas = h("canvas", { role: "img", "aria-label": title });
  const legend = h("p", { className: "small row" });
  const numbers = h("div", {});
  const element = h("figure", {},
    h("figcaption", {}, title), canvas, legend,
    h("details", {}, h("summary", { className: "small" }, t("chart.table")), numbers));
  element.series = [];
  element.show = (series) => {
    element.series = series;
    const width = Math.max(240, Math.min(element.clientWidth || 480, 900));
    draw(canvas, series, { width, yMin, yMax, xName, yName, format });
    fill(legend, ...series.map((s, i) => h("span", {}, swatch(i), ` ${s.name}`)));
    fill(numbers, table([xName, ...series.map((s) => `>${s.name}`)], rowsOf(series, format), title));
  };
  return element;
}

/** Return a number as text, or a dash if there is none yet. */
function shown(value, format) {
  return Number.isFinite(value) ? format(value) : "–";
}

function swatch(i) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const context = beginFigure(canvas, 28, 12);
  useStroke(context, i);
  line(context, [0, 6], [28, 6]);
  return canvas;
}

/** Use the colour and the dashes of the i-th series. */
function useStroke(context, i) {
  context.strokeStyle = seriesColour(i);
  context.lineWidth = 2;
  context.setLineDash(DASHES[i % DASHES.length]);
}

function draw(canvas, series, { width, yMin, yMax, xName, yName, format }) {
  const context = beginFigure(canvas, width, HEIGHT);
  context.fillStyle = colour("--text");
  const xs = series.flatMap((s) => s.x);
  const ys = series.flatMap((s) => s.y).filter(Number.isFinite);
  if (!xs.length || !ys.length) return;
  const [x0, x1] = span(xs);
  const [low, high] = span(ys);
  const [y0, y1] = [yMin ?? low, yMax ?? high];
  const px = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (width - LEFT - RIGHT);
  const py = (y) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - BOTTOM - TOP);
  context.strokeStyle = colour("--line");
  for (const share of [0, 0.5, 1]) {
    const y = y0 + share * (y1 - y0);
    line(context, [LEFT, py(y)], [width - RIGHT, py(y)]);
    context.textAlign = "right";
    context.fillText(format(y), LEFT - 6, py(y) + (share === 1 ? 10 : 4));
  }
  context.textAlign = "left";
  context.fillText(short(x0), LEFT, HEIGHT - BOTTOM + 18);
  context.textAlign = "right";
  context.fillText(short(x1), width - RIGHT, HEIGHT - BOTTOM + 18);
  context.textAlign = "center";
  context.fillText(xName, (LEFT + width) / 2, HEIGHT - BOTTOM + 18);
  series.forEach((s, i) => {
    useStroke(context, i);
    context.beginPath();
    s.x.forEach((x, k) => { // the first lineTo begins the line
      if (Number.isFinite(s.y[k])) context.lineTo(px(x), py(s.y[k]));
    });
    context.stroke();
    if (s.x.length === 1) dot(context, px(s.x[0]), py(s.y[0]));
  });
  canvas.setAttribute("aria-label", `${yName}: ${series.map((s) =>
    `${s.name} ${shown(s.y.at(-1), format)}`).join(", ")}`);
}

function dot(context, x, y) {
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fill();
}

function span(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function rowsOf(series, format) {
  const xs = [...new Set(series.flatMap((s) => s.x))].sort((a, b) => a - b);
  return xs.map((x) => [short(x), ...series.map((s) => {
    const at = s.x.indexOf(x);
    return at < 0 ? "" : shown(s.y[at], format);
  })]);
}
