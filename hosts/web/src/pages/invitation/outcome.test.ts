import { describe, expect, it } from 'vitest';
import { final, outcomeOf } from './outcome';

describe('outcomeOf', () => {
  it('knows what a refusal means', () => {
    expect(outcomeOf('invitation_for_another')).toBe('wrong');
    expect(outcomeOf('invitation_over')).toBe('over');
    expect(outcomeOf('not_found')).toBe('unknown');
    expect(outcomeOf('already_member')).toBe('member');
  });

  it('leaves the rest to be told as it is', () => {
    for (const code of [undefined, '', 'rate_limited', 'toString', 'account_closed']) expect(outcomeOf(code)).toBeUndefined();
  });
});

describe('final', () => {
  it('keeps the token for the right person', () => {
    expect(final('wrong')).toBe(false);
    expect(final(undefined)).toBe(false);
    expect(final('over') && final('unknown') && final('member')).toBe(true);
  });
});
