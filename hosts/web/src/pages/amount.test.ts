import { describe, expect, it } from 'vitest';
import { creditsText, maxAmount, parseCount, parseCredits } from './amount';

describe('parseCredits', () => {
  it.each([
    ['50', 50_000_000],
    [' 50 ', 50_000_000],
    ['0.000001', 1],
    ['0,5', 500_000],
    ['12.5', 12_500_000],
    ['12,34', 12_340_000],
    ['0.125', 125_000],
    ['1234.125', 1_234_125_000],
    ['1,234.5', 1_234_500_000],
    ['1.234,5', 1_234_500_000],
    ['1,234,567', 1_234_567_000_000],
    ['1 000', 1_000_000_000],
    ['1\u202f000', 1_000_000_000],
    ['1000000000', maxAmount],
  ])('reads %j', (text, amount) => {
    expect(parseCredits(text)).toBe(amount);
  });

  it.each(['', '0', '-1', '1e3', '1,000', '1.000', '1.0000001', '1,23,4', '1.234.5', '1000000001', 'five', '0x10', 'NaN', '99999999999'])('refuses %j', (text) => {
    expect(parseCredits(text)).toBeNull();
  });

  it('reads what creditsText writes', () => {
    for (const amount of [1, 1_000, 125_000, 1_125_000, 12_500_000, 1_000_000_000, 1_234_567_891, maxAmount]) {
      expect(parseCredits(creditsText(amount)), creditsText(amount)).toBe(amount);
    }
  });
});

describe('parseCount', () => {
  it('reads whole numbers', () => {
    expect(parseCount('60')).toBe(60);
    expect(parseCount('200 000')).toBe(200_000);
    expect(parseCount('200.000')).toBe(200_000);
    for (const bad of ['', '0', '-1', '1.5', '1000000001', 'x']) expect(parseCount(bad), bad).toBeNull();
  });
});
