import { describe, expect, test } from 'vitest';
import { formatCredits } from './Money';
import { formatRelative } from './Time';

describe('formatCredits', () => {
  test.each([
    [0, 'en', '0.00'],
    [12_500_000, 'en', '12.50'],
    [1_234_567_890, 'en', '1,234.57'],
    [1_234_567_890, 'de', '1.234,57'],
    [10_000, 'en', '0.01'],
    [9_999, 'en', '0.009999'],
    [1, 'en', '0.000001'],
    [-250_000, 'en', '-0.25'],
  ])('%i microcredits in %s', (amount, language, text) => {
    expect(formatCredits(amount, language)).toBe(text);
  });
});

describe('formatRelative', () => {
  const now = new Date('2026-03-01T12:00:00Z');
  test.each([
    [0, 'now'],
    [-59, 'now'],
    [-60, '1 minute ago'],
    [-3599, '59 minutes ago'],
    [-86_400, 'yesterday'],
    [-86_400 * 6, '6 days ago'],
    [86_400 * 400, 'next year'],
  ])('%i seconds from now', (seconds, text) => {
    expect(formatRelative(new Date(now.getTime() + seconds * 1000), now, 'en')).toBe(text);
  });
});
