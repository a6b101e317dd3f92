import { describe, expect, it } from 'vitest';
import { rules } from './view';

describe('rules', () => {
  const session = { created_at: '2026-03-01T08:00:00Z', idle_expires_at: '2026-03-01T10:32:10Z', expires_at: '2026-03-01T20:00:00Z' };

  it('reads what ends when from a session', () => {
    expect(rules(session, '2026-03-01T10:02:10Z')).toEqual({ minutes: 30, hours: 12 });
  });

  it('says nothing of what it does not know', () => {
    expect(rules(session, undefined)).toEqual({ minutes: undefined, hours: 12 });
  });
});
