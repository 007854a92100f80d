/**
 * The safetensors format: named arrays, and a header that says where each of them is.
 *
 * | bytes      | contents                                                    |
 * |------------|-------------------------------------------------------------|
 * | 0 to 7     | the length L of the header, an unsigned 64-bit integer      |
 * | 8 to 7 + L | the header: a JSON object, in UTF-8                         |
 * | from 8 + L | the data of all arrays, little-endian, in row-major order   |
 */

import { size } from "./array.js";
import { ModelError, text } from "./errors.js";

const MAX_HEADER = 100_000_000;

// The name of each type in Python, the bytes per number, and the typed array that reads it.
const TYPES = {
  F32: { dtype: "float32", width: 4, read: (bytes) => Float64Array.from(new Float32Array(bytes)) },
  F64: { dtype: "float64", width: 8, read: (bytes) => new Float64Array(bytes) },
  U8: { dtype: "uint8", width: 1, read: (bytes) => new Uint8Array(bytes) },
  I64: { dtype: "int64", width: 8, read: (bytes) => Float64Array.from(new BigInt64Array(bytes), Number) },
};

/**
 * Read a file, a Uint8Array, and return {metadata, arrays}.
 *
 * `metadata` has the texts that the file contains by name, and `arrays` has each array by name:
 * {shape, dtype, data, bytes}. The data of floating-point arrays is a Float64Array with exactly the
 * stored values; `bytes` are those of the file.
 *
 * Throws a ModelError if a header does not describe the file exactly: each byte after the header
 * belongs to one array.
 */
export function read_safetensors(file) {
  if (file.length < 8) throw damaged("it is shorter than 8 bytes");
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER || 8 + length > file.length) throw damaged("its header is incomplete");
  const { __metadata__: metadata = {}, ...entries } = parse_header(file.subarray(8, 8 + length));

  const data = file.subarray(8 + length), arrays = [];
  const sorted = Object.entries(entries).map(([name, entry]) => [name, checked(name, entry)]);
  sorted.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const [name, { shape, type, begin, end }] of sorted) {
    if (begin !== at || end > data.length) throw damaged(`array ${name} is in the wrong place`);
    const bytes = data.slice(begin, end);
    arrays.push([name, { shape, dtype: type.dtype, data: type.read(bytes.buffer), bytes }]);
    at = end;
  }
  if (at !== data.length) throw damaged("bytes follow the last array");
  return { metadata, arrays: Object.fromEntries(arrays) };
}

/** Return the header as an object, given its bytes. */
function parse_header(bytes) {
  let header = null;
  try {
    header = JSON.parse(utf8_decode(bytes));
  } catch {
    throw damaged("its header is not JSON");
  }
  if (!is_object(header) || !is_object(header.__metadata__ ?? {})) {
    throw damaged("its header is not a JSON object");
  }
  return header;
}

/** Return the shape, type and place of an array, given its entry in the header. */
function checked(name, entry) {
  const { dtype, shape, data_offsets } = is_object(entry) ? entry : {};
  if (typeof dtype !== "string" || !Object.hasOwn(TYPES, dtype)) {
    throw damaged(`array ${name} has the unknown type ${text(dtype)}`);
  }
  const is_sizes = (list) =>
    Array.isArray(list) && list.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (!is_sizes(shape) || !is_sizes(data_offsets) || data_offsets.length !== 2) {
    throw damaged(`array ${name} has no valid shape and offsets`);
  }
  const type = TYPES[dtype], [begin, end] = data_offsets;
  if (size(shape) * type.width !== end - begin) {
    throw damaged(`array ${name} has ${end - begin} bytes, which do not fit its shape`);
  }
  return { shape, type, begin, end };
}

function is_object(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(problem) {
  return new ModelError(`not a complete safetensors file: ${problem}; save it again`);
}

/** Return the text that bytes represent in UTF-8; bytes that represent none are an error. */
export function utf8_decode(bytes) {
  const parts = Array.from(bytes, (byte) =>
    byte < 0x80 && byte !== 0x25 // "%" begins a code below, so it is written as a code itself
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, "0")}`,
  );
  return decodeURIComponent(parts.join(""));
}

/** Return the bytes that represent a text in UTF-8. */
export function utf8_encode(string) {
  const bytes = [], encoded = encodeURIComponent(string);
  for (let i = 0; i < encoded.length; i++) {
    const is_code = encoded[i] === "%";
    bytes.push(is_code ? parseInt(encoded.slice(i + 1, i + 3), 16) : encoded.charCodeAt(i));
    if (is_code) i += 2;
  }
  return Uint8Array.from(bytes);
}
