// SHA-256 (FIPS 180-4) for many short messages that begin alike. The browser's
// own works on one message at a time and answers later: hundreds of thousands of
// those would take minutes.

const K = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const initial = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const blockLen = 64;

/** Prefix is the beginning of messages, worked through as far as it fills blocks. */
export class Prefix {
  readonly #state = new Uint32Array(initial);
  readonly #rest: Uint8Array;
  readonly #length: number;
  // Used again for each message: nothing is allocated in between.
  readonly #out = new Uint32Array(8);
  readonly #block = new Uint8Array(2 * blockLen);
  readonly #words = new Uint32Array(64);

  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    const whole = bytes.length - (bytes.length % blockLen);
    for (let at = 0; at < whole; at += blockLen) this.#compress(this.#state, bytes, at);
    this.#rest = bytes.slice(whole);
    this.#length = bytes.length;
  }

  /**
   * sum returns the digest of the prefix and a short ASCII text behind it, as
   * eight words that hold until the next call. The text has at most 55 characters.
   */
  sum(text: string): Uint32Array {
    if (text.length > 55) throw new RangeError('the text behind the prefix is too long');
    const block = this.#block;
    let end = this.#rest.length;
    block.set(this.#rest);
    for (let i = 0; i < text.length; i++) block[end++] = text.charCodeAt(i);
    const blocks = end + 9 <= blockLen ? 1 : 2;
    block[end] = 0x80;
    block.fill(0, end + 1, blocks * blockLen);
    const bits = (this.#length + text.length) * 8;
    const tail = blocks * blockLen;
    for (let i = 1; i <= 4; i++) block[tail - i] = (bits / 2 ** (8 * (i - 1))) & 0xff;
    this.#out.set(this.#state);
    for (let at = 0; at < tail; at += blockLen) this.#compress(this.#out, block, at);
    return this.#out;
  }

  #compress(state: Uint32Array, bytes: Uint8Array, at: number): void {
    const w = this.#words;
    for (let i = 0; i < 16; i++) {
      const p = at + 4 * i;
      w[i] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!;
      const y = w[i - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    let e = state[4]!;
    let f = state[5]!;
    let g = state[6]!;
    let h = state[7]!;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0]! += a;
    state[1]! += b;
    state[2]! += c;
    state[3]! += d;
    state[4]! += e;
    state[5]! += f;
    state[6]! += g;
    state[7]! += h;
  }
}

/** leadingZeros returns how many zero bits a digest begins with. */
export function leadingZeros(digest: Uint32Array): number {
  let n = 0;
  for (const word of digest) {
    n += Math.clz32(word);
    if (word !== 0) break;
  }
  return n;
}
