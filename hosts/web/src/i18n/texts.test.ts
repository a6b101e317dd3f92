import { describe, expect, test } from 'vitest';
import de from './de';
import en from './en';

/** Every key with its text, nested ones joined by dots. */
function flat(texts: object, at = ''): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'string' ? [[at + key, value] as [string, string]] : flat(value as object, `${at}${key}.`),
  );
}

// Forms of number differ between languages; what comes before them does not.
const bare = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');
const gaps = (text: string) => [...text.matchAll(/{{\s*([\w.]+)[^}]*}}|<(\w+)>/g)].map((found) => found[1] ?? found[2]).sort();

describe('languages', () => {
  test('have the same namespaces', () => {
    expect(Object.keys(de)).toEqual(Object.keys(en));
  });

  for (const namespace of Object.keys(en) as (keyof typeof en)[]) {
    test(`${namespace}: have the same texts, with the same gaps`, () => {
      const theirs = new Map(flat(de[namespace]));
      const ours = new Map(flat(en[namespace]));
      expect([...new Set([...theirs.keys()].map(bare))].sort()).toEqual([...new Set([...ours.keys()].map(bare))].sort());
      for (const [key, text] of ours) {
        expect(text.trim(), key).not.toBe('');
        const other = theirs.get(key);
        if (other !== undefined) expect(gaps(other), key).toEqual(gaps(text));
      }
    });
  }
});
