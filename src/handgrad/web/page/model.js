// The model of the server, loaded once: the file as it is, and the classifier that runs in the page.

import { bytes, get, unpack } from "./api.js";
import { Classifier } from "../runtime/classifier.js";
import { h } from "./dom.js";
import { t } from "./strings.js";

let loaded = null;

/** Return the classifier; or null if there is none, after showing the reason and a way to one. */
export async function classifierOrReason(main) {
  try {
    return await loadClassifier();
  } catch (error) {
    main.append(h("p", {}, error.message), h("a", { className: "button", href: "#/train" }, t("draw.train-first")));
    return null;
  }
}

/** Return the classifier that the server has now. Throws if there is none. */
async function loadClassifier() {
  const { version } = await get("/api/session");
  if (loaded?.version !== version) {
    const file = new Uint8Array(await bytes("/api/model"));
    loaded = { version, classifier: Classifier.from_bytes(file) };
  }
  return loaded.classifier;
}

/** Return `count` images of a split ("train" or "test"), and their labels as indices of classes.
 *
 * The images are inputs of the network, an array {shape: [n, C, H, W], data}.
 */
export async function loadImages(split, start, count) {
  const { images, ...rest } = await get("/api/images", { split, start, count });
  return { ...rest, images: unpack(images) };
}
