import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { leadingZeros, Prefix } from './sha256';

const hex = (words: Uint32Array) => [...words].map((w) => w.toString(16).padStart(8, '0')).join('');
const reference = (text: string) => createHash('sha256').update(text).digest('hex');

describe('Prefix', () => {
  it("agrees with the standard's examples", () => {
    expect(hex(new Prefix('').sum('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(hex(new Prefix('').sum(''))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(new Prefix('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmno').sum('mnopnopq'))).toBe(
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
  });

  it('agrees with another program at every length around the edges of blocks', () => {
    for (let n = 0; n <= 200; n++) {
      const prefix = 'x'.repeat(n);
      const p = new Prefix(prefix);
      for (const more of ['', '0', 'zz9', 'a'.repeat(55)]) expect(hex(p.sum(more)), `${n}+${more.length}`).toBe(reference(prefix + more));
    }
  });

  it('forgets the message before', () => {
    const p = new Prefix('challenge.');
    p.sum('a'.repeat(55));
    expect(hex(p.sum('1'))).toBe(reference('challenge.1'));
  });

  it('refuses what does not fit', () => {
    expect(() => new Prefix('').sum('a'.repeat(56))).toThrow(RangeError);
  });
});

describe('leadingZeros', () => {
  it('counts over words', () => {
    expect(leadingZeros(new Uint32Array([0x80000000, 0]))).toBe(0);
    expect(leadingZeros(new Uint32Array([0x00003fff, 0xffffffff]))).toBe(18);
    expect(leadingZeros(new Uint32Array([0, 0, 1]))).toBe(95);
  });
});
