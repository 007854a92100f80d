/**
 * SHA-256 (FIPS 180-4), which model files are checked with.
 *
 * Browsers offer it to secure pages only, which a page on a local network or in a file is not.
 */

// The first 32 bits of the fractional parts of the cube roots of the first 64 prime numbers, and of
// the square roots of the first 8.
const PRIMES = first_primes(64);
const K = Uint32Array.from(PRIMES, (p) => fraction_bits(p, 3n));
const START = Uint32Array.from(PRIMES.slice(0, 8), (p) => fraction_bits(p, 2n));

/** Return the SHA-256 of the concatenation of some byte arrays, as 64 hexadecimal digits. */
export function sha256(parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // The message, one bit that is set, zeros, and the length in bits, fill blocks of 64 bytes.
  const padded = new Uint8Array(Math.ceil((length + 9) / 64) * 64);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(length) * 8n);

  const hash = START.slice(), W = new Uint32Array(64);
  for (let block = 0; block < padded.length; block += 64) {
    for (let t = 0; t < 16; t++) W[t] = view.getUint32(block + 4 * t);
    add_block(hash, W);
  }
  return Array.from(hash, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** Update the hash with a block, whose words are the first 16 of W. */
function add_block(hash, W) {
  for (let t = 16; t < 64; t++) {
    const x = W[t - 15], y = W[t - 2];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    W[t] = W[t - 16] + s0 + W[t - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let t = 0; t < 64; t++) {
    const S1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25), choice = (e & f) ^ (~e & g);
    const S0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22), majority = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + S1 + choice + K[t] + W[t]) | 0;
    [h, g, f, e] = [g, f, e, (d + first) | 0];
    [d, c, b, a] = [c, b, a, (first + S0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] += word;
  });
}

/** Rotate the bits of a 32-bit number to the right. */
function rotate(x, bits) {
  return (x >>> bits) | (x << (32 - bits));
}

function first_primes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((p) => n % p !== 0)) primes.push(n);
  }
  return primes;
}

/** Return the first 32 bits of the fractional part of a root of n, by bisection of integers. */
function fraction_bits(n, degree) {
  const target = BigInt(n) << (32n * degree);
  let low = 0n, high = BigInt(n) << 32n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= target) low = middle;
    else high = middle;
  }
  return Number(low & 0xffffffffn);
}
