// Numbers as texts, and the interval of an accuracy.

const NONE = "–";
const Z95 = 1.959964; // 95 % of a normal distribution lies within this many standard deviations

/** Return a number with at most four significant digits. */
export function short(value) {
  if (!Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** Return a number from 0 to 1 as a percentage. The decimals stand in an object, because `map` would
 * pass an index as the second argument. */
export function percent(value, { decimals = 1 } = {}) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(decimals)} %` : NONE;
}

/** Return a number with at most four significant digits and a true minus sign. */
export function digits(value) {
  return short(value).replaceAll("-", "−");
}

/** Return the 95 % confidence interval of an accuracy, as two numbers from 0 to 1.
 *
 * This is Wilson's score interval, as `accuracy_interval` in train/evaluate.py computes it.
 */
export function accuracyInterval(correct, count) {
  if (count === 0) return [0, 1];
  const p = correct / count, q = Z95 ** 2 / count;
  const centre = p + q / 2, spread = Math.sqrt(q * (p * (1 - p) + q / 4));
  return [Math.max(0, (centre - spread) / (1 + q)), Math.min(1, (centre + spread) / (1 + q))];
}
