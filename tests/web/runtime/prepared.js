/* What the tests of preprocessing and of the classifier call, in addition to glue.js. */

const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const as_text = (values) => {
  const parts = [];
  for (let at = 0; at < values.length; at += 8192) {
    parts.push(String.fromCharCode(...values.subarray(at, at + 8192)));
  }
  return parts.join("");
};
const as_image = ({ height, width, channels, data }) => ({ height, width, channels, data: bytes(data) });
const as_plain = ({ title, image: X }) => ({
  title,
  size: [X.height, X.width, X.channels],
  data: as_text(X.data),
});
const typed = ({ shape, dtype, data }) => ({ shape, data: globalThis[dtype].from(data, Number) }); // NaN is written as "nan"

let classifier = null;

Object.assign(tests, {
  prepare: ({ described, image }) => {
    const preprocessing = handgrad.Preprocessing.from_json(described);
    const { stages, result, problem } = preprocessing.check(as_image(image));
    return { stages: stages.map(as_plain), result: as_text(result), problem };
  },
  kinds: () => Object.keys(handgrad.KINDS),
  describe: ({ described }) => handgrad.Preprocessing.from_json(described).steps.length,
  seconds: ({ described, image, times }) => {
    const [preprocessing, X] = [handgrad.Preprocessing.from_json(described), as_image(image)];
    const seconds = [];
    for (let k = 0; k < times; k++) {
      const start = performance.now();
      preprocessing.check(X);
      seconds.push((performance.now() - start) / 1000);
    }
    return seconds;
  },
  weights: ({ size, count, cubic }) => {
    const rows = handgrad.resize_rows(size, count, cubic);
    return rows.map(({ start, weights }) => ({ start, weights: Array.from(weights) }));
  },
  threshold: ({ counts: { data: counts } }) => {
    const data = new Uint8Array(counts.reduce((sum, count) => sum + count));
    let at = 0;
    counts.forEach((count, value) => data.fill(value, at, (at += count)));
    return handgrad.otsu_threshold({ data });
  },
  pixels: ({ shape, trained, X, pixel_range }) => {
    const network = { shape };
    const range = trained && handgrad.PixelRange.from_json(trained);
    const { data } = new handgrad.Classifier(network, [], { pixel_range: range }).pixels(
      typed(X),
      pixel_range,
    );
    return { dtype: data.constructor.name, values: Array.from(data, (x) => (Number.isFinite(x) ? x : String(x))) };
  },
  load: ({ file, label }) => {
    classifier = handgrad.Classifier.from_bytes(bytes(file), label);
    return classifier.classes;
  },
  predict: ({ image }) => {
    const { height, width, data } = as_image(image);
    const answer = classifier.predict({ height, width, data: new Uint8ClampedArray(data) });
    return { ...shown(answer), problem: answer.problem, titles: answer.stages.map((s) => s.title) };
  },
  predict_inputs: ({ X, pixel_range }) =>
    classifier.predict_inputs(typed(X), { pixel_range }).map(shown),
});

/** Return a prediction as plain data. */
function shown({ input, logits, probabilities, index, predicted, top, score, reason, is_confident }) {
  const lists = [input.data, logits, probabilities].map((values) => Array.from(values));
  return { lists, index, predicted, top, score, reason, is_confident };
}
