// Test images with the answers that a model gives for them.

import { post, unpack } from "./api.js";
import { fill, h, safely } from "./dom.js";
import { imageAt, imageOf } from "./images.js";
import { percent } from "./numbers.js";
import { t } from "./strings.js";

const AT_ONCE = 12;

/** Return a list of images, of which more can be shown with a button.
 *
 * @param {string} path the endpoint that returns images by their indices.
 * @param {object} parameters more parameters of the endpoint.
 */
export function gallery(path, parameters = {}) {
  const list = h("ul", { className: "grid gallery" });
  const more = h("button", { type: "button", hidden: true });
  const element = h("div", {}, list, more);
  let turn = 0;

  /** Show the images with some indices; `describe` returns {lines, isRight, spoken}. */
  element.show = async (indices, describe) => {
    const mine = ++turn;
    delete element.dataset.indices;
    fill(list);
    let shown = 0;
    const add = async () => {
      const part = indices.slice(shown, shown + AT_ONCE);
      const found = part.length ? await post(path, { ...parameters, indices: part }) : null;
      if (mine !== turn) return;
      if (found) list.append(...figures(part, found, describe));
      shown += part.length;
      more.hidden = shown >= indices.length;
      more.textContent = t("gallery.more", { count: indices.length - shown });
    };
    more.onclick = safely(add);
    await add();
    if (mine === turn) element.dataset.indices = indices.join(",");
  };
  return element;
}

/** Return a list item with one image {shape: [C, H, W], data} and lines of text under it. */
export function tile({ data, shape }, { low = 0, high = 255, lines, isRight, spoken = lines[0], name = "" }) {
  const mark = isRight === undefined ? "" : isRight ? "✓ " : "✗ ";
  const text = [mark + spoken, ...lines.slice(1), name].filter(Boolean).join(", ");
  return h("li", {}, h("figure", { className: "tile" },
    imageOf(data, shape, { low, high, size: 72, text }),
    h("figcaption", { "aria-hidden": "true" },
      h("span", { className: isRight === undefined ? "" : isRight ? "good" : "bad" }, mark + lines[0]),
      ...lines.slice(1).map((line) => h("span", {}, line)),
      name ? h("span", { className: "file", title: name }, name) : null)));
}

/** Return what is shown under an image: the true class, the answer and its probability. */
export function answerText(label, answer, confidence) {
  const isRight = label === answer;
  return {
    isRight,
    lines: [isRight ? answer : `${label} → ${answer}`, percent(confidence)],
    spoken: t("gallery.spoken", { label, answer }),
  };
}

function figures(indices, { images, low, high, names }, describe) {
  const found = unpack(images);
  return indices.map((index, i) => tile(imageAt(found, i), { low, high, name: names[i] ?? "", ...describe(index) }));
}
