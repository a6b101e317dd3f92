import { describe, expect, it } from 'vitest';
import { toLimit, toLimitForm } from './limit';

describe('toLimit', () => {
  it('reads bounds, and leaves out what is empty', () => {
    expect(toLimit({ monthly: '12.5', requests: ' ', tokens: '200000' })).toEqual({ limit: { monthly: 12_500_000, requests_per_minute: 0, tokens_per_minute: 200_000 } });
  });

  it('says what is wrong', () => {
    expect(toLimit({ monthly: '0', requests: 'x', tokens: '1.5' })).toEqual({ faults: { monthly: 'limit.credits', requests: 'limit.count', tokens: 'limit.count' } });
  });

  it('reads what toLimitForm writes', () => {
    for (const limit of [
      { monthly: 0, requests_per_minute: 0, tokens_per_minute: 0 },
      { monthly: 1_125_000, requests_per_minute: 1, tokens_per_minute: 1_000_000_000 },
    ]) {
      expect(toLimit(toLimitForm(limit))).toEqual({ limit });
    }
    expect(toLimitForm(undefined)).toEqual({ monthly: '', requests: '', tokens: '' });
  });
});
