import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { maxDifficulty, Search } from './proof';

/** zeros counts as the server does, by another program. */
function zeros(text: string): number {
  const bits = [...createHash('sha256').update(text).digest()].map((b) => b.toString(2).padStart(8, '0')).join('');
  return bits.indexOf('1');
}

describe('Search', () => {
  it('finds what the server takes', () => {
    for (const [challenge, difficulty] of [['abc', 0], ['A'.repeat(78), 8], ['-_'.repeat(39), 12]] as const) {
      const search = new Search({ challenge, difficulty });
      let proof: string | undefined;
      for (let i = 0; i < 1000 && proof === undefined; i++) proof = search.step(100);
      expect(proof).toBeDefined();
      expect(proof!.length).toBeLessThanOrEqual(64);
      expect(zeros(`${challenge}.${proof!}`)).toBeGreaterThanOrEqual(difficulty);
    }
  });

  it('tries each text once, over several steps', () => {
    const whole = new Search({ challenge: 'same', difficulty: 10 });
    const parts = new Search({ challenge: 'same', difficulty: 10 });
    const want = whole.step(100_000);
    let got: string | undefined;
    while (got === undefined) got = parts.step(7);
    expect(got).toBe(want);
  });

  it('says how likely it was to be done', () => {
    const search = new Search({ challenge: 'x', difficulty: 20 });
    expect(search.chance).toBe(0);
    if (search.step(1000) === undefined) expect(search.chance).toBeCloseTo(1 - Math.exp(-1000 / 2 ** 20), 10);
  });

  it('refuses what would never end', () => {
    expect(() => new Search({ challenge: 'x', difficulty: maxDifficulty + 1 })).toThrow(RangeError);
  });
});
