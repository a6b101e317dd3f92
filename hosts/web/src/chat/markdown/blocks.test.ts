import { describe, expect, test } from 'vitest';
import { blocks } from './blocks';
import { mathDelimiters } from './math';

describe('blocks', () => {
  const cases: [string, string, string[]][] = [
    ['paragraphs', 'a\n\nb\n\nc', ['a\n\n', 'b\n\n', 'c']],
    ['a fence with blank lines', 'x\n\n```js\na\n\nb\n```\n\ny', ['x\n\n', '```js\na\n\nb\n```\n\n', 'y']],
    ['an unclosed fence', '```\na\n\nb', ['```\na\n\nb']],
    ['a longer fence', '````\n```\n\nx\n````\n\ny', ['````\n```\n\nx\n````\n\n', 'y']],
    ['a loose list', '1. a\n\n2. b\n\n   c\n\nd', ['1. a\n\n2. b\n\n   c\n\n', 'd']],
    ['a fence in a list', '- ```\n  a\n\n  b\n  ```\n\nz', ['- ```\n  a\n\n  b\n  ```\n\n', 'z']],
    ['displayed mathematics', '$$\na\n\nb\n$$\n\nx', ['$$\na\n\nb\n$$\n\n', 'x']],
    ['definitions keep it whole', '[a]\n\nb\n\n[a]: http://x', ['[a]\n\nb\n\n[a]: http://x']],
    ['blank lines first', '\n\na', ['\n\na']],
    ['nothing', '', []],
  ];
  test.each(cases)('%s', (_, text, want) => {
    expect(blocks(text).map((b) => b.text)).toEqual(want);
  });

  test('growing text keeps its finished blocks', () => {
    const text = 'one\n\n- a\n- b\n\n```go\nx\n\ny\n```\n\nlast words';
    const whole = blocks(text);
    for (let n = 1; n <= text.length; n++) {
      const part = blocks(text.slice(0, n));
      expect(part.slice(0, -1)).toEqual(whole.slice(0, Math.max(0, part.length - 1)));
    }
  });

  test('a line of a megabyte is plain, and quick', () => {
    const at = performance.now();
    const got = blocks(`a\n\n${'[*_`<'.repeat(200_000)}\n\nb`);
    expect(got.map((b) => b.plain)).toEqual([false, true, false]);
    expect(performance.now() - at).toBeLessThan(200);
  });
});

describe('mathDelimiters', () => {
  const cases: [string, string, string][] = [
    ['prices', 'it costs $5 and $10', 'it costs $5 and $10'],
    ['a formula', 'so $x^2$ is', 'so $$x^2$$ is'],
    ['parentheses', 'so \\(x\\) is', 'so $$x$$ is'],
    ['brackets', 'a \\[x\\] b', 'a \n$$\nx\n$$\n b'],
    ['two dollars on a line', '$$x$$', '\n$$\nx\n$$\n'],
    ['a block', '$$\nx\n$$', '$$\nx\n$$'],
    ['code', '`$x$` and ```\n$y$\n```', '`$x$` and ```\n$y$\n```'],
    ['a fence', '```\n$x$ \\(y\\)\n```\n$z$', '```\n$x$ \\(y\\)\n```\n$$z$$'],
    ['an open fence', '```\n$x$\n', '```\n$x$\n'],
    ['an escaped dollar', '\\$x$ y', '\\$x$ y'],
  ];
  test.each(cases)('%s', (_, text, want) => {
    expect(mathDelimiters(text)).toBe(want);
  });

  test('hostile text is quick', () => {
    for (const s of ['$', '`', '\\(', '\\[', '$$', '```\n', '$a', '`$']) {
      const at = performance.now();
      mathDelimiters(s.repeat(9_000 / s.length));
      expect(performance.now() - at, s).toBeLessThan(500);
    }
  });
});
