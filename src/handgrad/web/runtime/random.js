/**
 * Random numbers that can be computed in any order.
 *
 * The k-th number of a stream is a function of the stream's key and k alone. Dropout uses them, so
 * that the same mask is computed here and in Python. The arithmetic is that of 64-bit integers,
 * which JavaScript has as BigInt.
 */

const NUMBER_OF = { init: 1n, split: 2n, shuffle: 3n, dropout: 4n, augment: 5n };

// Sebastiano Vigna's constants of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
// pseudorandom number generators", section 6).
const GOLDEN = 0x9e3779b97f4a7c15n;
const MIX_1 = 0xbf58476d1ce4e5b9n;
const MIX_2 = 0x94d049bb133111ebn;

/** Return the 64-bit key for one use of a stream; all arguments but the name are integers. */
export function stream_key(seed, stream, ...place) {
  let key = 0n;
  for (const word of [seed, NUMBER_OF[stream], ...place]) {
    key = mix((key ^ BigInt(word)) + GOLDEN);
  }
  return key;
}

/** Apply the output function of SplitMix64 to a 64-bit number. */
export function mix(z) {
  z = BigInt.asUintN(64, z);
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * MIX_1);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * MIX_2);
  return z ^ (z >> 31n);
}

/**
 * Return the first `count` numbers of a stream, in [0, 1).
 *
 * The k-th number, counted from 0, is 2⁻²⁴ times the upper 24 bits of mix(key + (k + 1)·golden).
 */
export function uniforms(key, count) {
  const numbers = new Float64Array(count);
  for (let k = 0, z = key + GOLDEN; k < count; k++, z += GOLDEN) {
    numbers[k] = Number(mix(z) >> 40n) / 2 ** 24;
  }
  return numbers;
}
