/**
 * The decoder of the zlib format (RFC 1950 and 1951), and of Base64 (RFC 4648).
 *
 * A page that is opened as a file contains its model in this form. Browsers offer a decoder too, but
 * older ones do not, and it is asynchronous.
 */

import { ModelError } from "./errors.js";

const MAX_BITS = 15;
const MAX_SIZE = 2 ** 30; // bytes

// Lengths 257..285 and distances 0..29: the smallest value, and the number of extra bits.
const LENGTH_BITS = [...Array.from({ length: 28 }, (_, k) => Math.max(0, (k >> 2) - 1)), 0];
const DISTANCE_BITS = Array.from({ length: 30 }, (_, k) => Math.max(0, (k >> 1) - 1));
const LENGTHS = [...sums(LENGTH_BITS.slice(0, -1), 3), 258];
const DISTANCES = sums(DISTANCE_BITS, 1);
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Return the bytes that a text in Base64 represents. Throws a ModelError if it represents none. */
export function from_base64(text) {
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const values = new Int16Array(128).fill(-1);
  [...LETTERS].forEach((letter, value) => (values[letter.charCodeAt(0)] = value));
  const letters = text.replace(/\s/g, "").replace(/={1,2}$/, "");
  const bytes = new Uint8Array(Math.floor((letters.length * 3) / 4));
  let bits = 0, count = 0, at = 0;
  for (let k = 0; k < letters.length; k++) {
    const value = values[letters.charCodeAt(k)] ?? -1;
    if (value < 0) throw new ModelError("the model in this file is damaged; get the file again");
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes[at++] = bits >> count;
    }
  }
  return bytes;
}

/** Return the bytes that a zlib stream contains. Throws a ModelError if the stream is damaged. */
export function inflate(stream) {
  const has_header = stream.length > 6 && (stream[0] & 15) === 8 && (stream[0] * 256 + stream[1]) % 31 === 0;
  if (!has_header || stream[1] & 32) throw damaged();
  const input = new Bits(stream, 2), output = new Output();
  for (let is_last = 0; !is_last; ) {
    is_last = input.read(1);
    const kind = input.read(2);
    if (kind === 0) stored(input, output);
    else if (kind === 1) compressed(input, output, ...FIXED);
    else if (kind === 2) compressed(input, output, ...dynamic_codes(input));
    else throw damaged();
  }
  const bytes = output.bytes.slice(0, output.at), sum = input.aligned(4);
  if (adler32(bytes) !== new DataView(sum.buffer, sum.byteOffset, 4).getUint32(0)) throw damaged();
  return bytes;
}

/** Reads bits, the lowest of each byte first. */
class Bits {
  constructor(bytes, at) {
    Object.assign(this, { bytes, at, bits: 0, count: 0 });
  }

  /** Return the next `count` bits as a number. */
  read(count) {
    while (this.count < count) {
      if (this.at >= this.bytes.length) throw damaged();
      this.bits |= this.bytes[this.at++] << this.count;
      this.count += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.count -= count;
    return value;
  }

  /** Return the next symbol of a code. */
  symbol({ counts, symbols }) {
    // Codes of one length are consecutive numbers, and longer codes follow after shorter ones.
    let code = 0, first = 0, index = 0;
    for (let length = 1; length <= MAX_BITS; length++) {
      code |= this.read(1);
      const count = counts[length];
      if (code - first < count) return symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw damaged();
  }

  /** Drop the rest of the current byte, and return the next `count` bytes. */
  aligned(count) {
    this.bits = this.count = 0; // fewer than 8 bits are ever left over
    if (this.at + count > this.bytes.length) throw damaged();
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}

/** Collects bytes in an array that doubles when it is full. */
class Output {
  constructor() {
    Object.assign(this, { bytes: new Uint8Array(65536), at: 0 });
  }

  reserve(count) {
    const needed = this.at + count;
    if (needed > MAX_SIZE) throw damaged();
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

function stored(input, output) {
  const [a, b, c, d] = input.aligned(4), count = a | (b << 8);
  if ((count ^ (c | (d << 8))) !== 0xffff) throw damaged();
  output.reserve(count);
  output.bytes.set(input.aligned(count), output.at);
  output.at += count;
}

function compressed(input, output, literals, distances) {
  for (;;) {
    const symbol = input.symbol(literals);
    if (symbol === 256) return;
    output.reserve(258);
    if (symbol < 256) {
      output.bytes[output.at++] = symbol;
      continue;
    }
    const kind = symbol - 257;
    if (kind >= LENGTHS.length) throw damaged();
    const length = LENGTHS[kind] + input.read(LENGTH_BITS[kind]);
    const far = input.symbol(distances);
    if (far >= DISTANCES.length) throw damaged();
    const distance = DISTANCES[far] + input.read(DISTANCE_BITS[far]);
    if (distance > output.at) throw damaged();
    for (let k = 0; k < length; k++, output.at++) {
      output.bytes[output.at] = output.bytes[output.at - distance];
    }
  }
}

/** Read the two codes that precede a block. */
function dynamic_codes(input) {
  const [literals, distances] = [input.read(5) + 257, input.read(5) + 1];
  const lengths = new Array(19).fill(0);
  const count = input.read(4) + 4;
  for (let k = 0; k < count; k++) lengths[ORDER[k]] = input.read(3);
  const code = code_of(lengths), all = [];
  while (all.length < literals + distances) {
    const symbol = input.symbol(code);
    if (symbol < 16) all.push(symbol);
    else if (symbol === 16 && all.length === 0) throw damaged();
    else if (symbol === 16) repeat(all, all.at(-1), 3 + input.read(2));
    else repeat(all, 0, symbol === 17 ? 3 + input.read(3) : 11 + input.read(7));
  }
  if (all.length > literals + distances) throw damaged();
  return [code_of(all.slice(0, literals)), code_of(all.slice(literals))];
}

function repeat(list, value, count) {
  for (let k = 0; k < count; k++) list.push(value);
}

/** Return the code in which symbol k has lengths[k] bits: the numbers of codes of each length, and
 * the symbols in the order of their codes. */
function code_of(lengths) {
  const counts = new Array(MAX_BITS + 1).fill(0), symbols = [];
  for (const length of lengths) counts[length] += 1;
  counts[0] = 0;
  for (let bits = 1; bits <= MAX_BITS; bits++) {
    lengths.forEach((length, symbol) => length === bits && symbols.push(symbol));
  }
  return { counts, symbols };
}

const FIXED = [
  code_of(Array.from({ length: 288 }, (_, k) => (k < 144 ? 8 : k < 256 ? 9 : k < 280 ? 7 : 8))),
  code_of(new Array(30).fill(5)),
];

/** Return the smallest value of each kind, given the numbers of extra bits. */
function sums(bits, start) {
  const values = [start];
  for (const count of bits) values.push(values.at(-1) + 2 ** count);
  return values.slice(0, -1);
}

/** Return the checksum Adler-32 of bytes. */
function adler32(bytes) {
  let a = 1, b = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + 3000, bytes.length);
    for (; at < end; at++) {
      a += bytes[at];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function damaged() {
  return new ModelError("the model in this file is damaged; get the file again");
}
