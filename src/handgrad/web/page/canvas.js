// Canvases for figures, in the colours of the page.

export const FONT = "14px system-ui, sans-serif";
export const SERIES = 5; // the number of colours --series-1, --series-2, ...

/** Set the size of a canvas in CSS pixels, and return its empty context, in the same unit. */
export function beginFigure(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = FONT;
  return context;
}

/** Return a colour of the current theme by its name in style.css, such as "--text". */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

/** Return the colour of the k-th series; the colours repeat. */
export function seriesColour(k) {
  return colour(`--series-${(k % SERIES) + 1}`);
}

/** Draw a line between two points, [x, y] each. */
export function line(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
