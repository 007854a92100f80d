/** Reading the model file, as docs/format.md specifies it. Reading never runs code from the file. */

import { ModelError, text } from "./errors.js";
import { Network } from "./network.js";
import { build_layers } from "./registry.js";
import { read_safetensors, utf8_encode } from "./safetensors.js";
import { sha256 } from "./sha256.js";

/** The format of the files that this reader knows. */
export const FORMAT = 2;

const GOLDEN = "golden.";
const OOD = "ood.";

/**
 * Read a model file and return {network, params, metadata, golden, ood_arrays, digest}.
 *
 * - network: the Network; params: its arrays as a tree.
 * - metadata: the description in the file: classes, preprocessing, calibration and so on.
 * - golden: {images, logits, raw}: inputs with the logits that Python computed for them.
 * - ood_arrays: the arrays of the out-of-distribution score by name, without the prefix "ood.".
 * - digest: the SHA-256 of the description and all arrays, which was compared with the stored one.
 *
 * `bytes` is a Uint8Array with the whole file, and `name` its name for messages. Throws a ModelError,
 * whose message is one sentence, if the file is damaged, or of another format.
 */
export function read_model(bytes, name = "the model file") {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof ModelError) throw new ModelError(`${name}: ${error.message}`);
    throw new ModelError(`${name}: its description is damaged (${error.message}); save it again`);
  }
}

function read(bytes) {
  const { metadata: texts, arrays } = read_safetensors(bytes);
  if (typeof texts.handgrad !== "string") {
    throw new ModelError("not saved by handgrad: it has no description of the network");
  }
  const metadata = parse(texts.handgrad), digest = digest_of(texts.handgrad, arrays);
  if (texts.digest !== digest) {
    const stored = String(texts.digest).slice(0, 12), found = digest.slice(0, 12);
    throw new ModelError(
      `its digest is ${stored}, but that of its contents is ${found}: the file was changed or ` +
        "corrupted after it was saved; get it again",
    );
  }
  const golden = select(arrays, GOLDEN), ood_arrays = select(arrays, OOD);
  const own = Object.fromEntries(
    Object.entries(arrays).filter(([key]) => !key.startsWith(GOLDEN) && !key.startsWith(OOD)),
  );
  const network = build_network(metadata, own);
  return { network, params: network.params, metadata, golden, ood_arrays, digest };
}

/** Build the network that a description defines, using the given arrays. */
export function build_network(description, arrays) {
  const { layers, shape, dtype, classes } = description;
  if (!Array.isArray(classes)) throw new ModelError("it has no list of classes");
  const largest = Object.values(arrays).reduce((n, { data }) => Math.max(n, data.length), 10_000);
  check_sizes(layers, largest);
  const settings = { layers: build_layers(layers), shape, classes: classes.length, dtype };
  return new Network(settings, arrays);
}

/** Return the description, given its JSON text. */
function parse(json) {
  // Python writes NaN and Infinity, for example as a score that is undefined; JSON has neither.
  const standard = json.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : "null",
  );
  let description = null;
  try {
    description = JSON.parse(standard);
  } catch {
    throw new ModelError("its description of the network is corrupted; save it again");
  }
  const written = description?.format;
  if (!Number.isInteger(written)) {
    throw new ModelError("its description of the network has no format; save it again");
  }
  if (written !== FORMAT) {
    const cure = written > FORMAT ? "install a newer handgrad" : "run `handgrad upgrade` on it";
    throw new ModelError(`its format is ${written}, but this page reads ${FORMAT}; ${cure}`);
  }
  return description;
}

/** Return the SHA-256 of a description and its arrays, as 64 hexadecimal digits. */
function digest_of(json, arrays) {
  const parts = [utf8_encode(json)];
  for (const name of Object.keys(arrays).sort()) {
    const { dtype, shape, bytes } = arrays[name];
    parts.push(utf8_encode(`\n${name} ${dtype} [${shape.join(", ")}]\n`), bytes);
  }
  return sha256(parts);
}

/** Return the arrays whose names begin with a prefix, under their names without it. */
function select(arrays, prefix) {
  return Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** To limit memory use, throw a ModelError if a layer is larger than every array in the file. */
function check_sizes(value, most) {
  if (typeof value === "number" && value > most) {
    throw new ModelError(`a size of ${text(value)} is larger than every array in the file`);
  }
  if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) check_sizes(item, most);
  }
}
