import { expect, test } from 'vitest';
import { credits, exact, span } from './format';

test.each([
  [0, '0'],
  [1, '0.000001'],
  [4_212, '0.0042'],
  [999_999, '1'],
  [1_234_567, '1.23'],
  [12_500_000_000, '12,500'],
])('credits of %d', (micro, want) => {
  expect(credits(micro, 'en')).toBe(want);
});

test('exact sums lose nothing', () => {
  expect(exact(1_234_567, 'en')).toBe('1.234567');
  expect(exact(1_234_567, 'de')).toBe('1,234567');
});

test.each([
  [12, '12 ms'],
  [1_540, '1.5 sec'],
  [61_000, '1 min 1 sec'],
])('a span of %d ms', (ms, want) => {
  expect(span(ms, 'en')).toBe(want);
});
