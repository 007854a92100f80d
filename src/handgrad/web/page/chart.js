// Line charts on a canvas, with the same numbers as a table for people who cannot see it.

import { fill, h, table } from "./dom.js";
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

/** Return a number with at most four significant digits. */
export function short(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** Return a share of 1 as a percentage with one decimal. */
export function percent(value) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–";
}

/** Return a number as text, or a dash if there is none yet. */
function shown(value, format) {
  return Number.isFinite(value) ? format(value) : "–";
}

function swatch(i) {
  const line = h("canvas", { width: 28, height: 12, "aria-hidden": "true" });
  const context = line.getContext("2d");
  stroke(context, i);
  context.beginPath();
  context.moveTo(0, 6);
  context.lineTo(28, 6);
  context.stroke();
  return line;
}

function stroke(context, i) {
  const style = getComputedStyle(document.documentElement);
  context.strokeStyle = style.getPropertyValue(`--series-${(i % 5) + 1}`);
  context.lineWidth = 2;
  context.setLineDash(DASHES[i % DASHES.length]);
}

function draw(canvas, series, { width, yMin, yMax, xName, yName, format }) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = HEIGHT * ratio;
  Object.assign(canvas.style, { width: `${width}px`, height: `${HEIGHT}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const style = getComputedStyle(document.documentElement);
  context.fillStyle = style.getPropertyValue("--text");
  context.font = "14px system-ui, sans-serif";
  const xs = series.flatMap((s) => s.x);
  const ys = series.flatMap((s) => s.y).filter(Number.isFinite);
  if (!xs.length || !ys.length) return;
  const [x0, x1] = span(xs);
  const [low, high] = span(ys);
  const [y0, y1] = [yMin ?? low, yMax ?? high];
  const px = (x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (width - LEFT - RIGHT);
  const py = (y) => HEIGHT - BOTTOM - ((y - y0) / (y1 - y0 || 1)) * (HEIGHT - BOTTOM - TOP);
  context.strokeStyle = style.getPropertyValue("--line");
  for (const share of [0, 0.5, 1]) {
    const y = y0 + share * (y1 - y0);
    context.beginPath();
    context.moveTo(LEFT, py(y));
    context.lineTo(width - RIGHT, py(y));
    context.stroke();
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
    stroke(context, i);
    context.beginPath();
    s.x.forEach((x, k) => {
      if (!Number.isFinite(s.y[k])) return;
      if (k === 0) context.moveTo(px(x), py(s.y[k]));
      else context.lineTo(px(x), py(s.y[k]));
    });
    context.stroke();
  });
  canvas.setAttribute("aria-label", `${yName}: ${series.map((s) =>
    `${s.name} ${shown(s.y.at(-1), format)}`).join(", ")}`);
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
