import { describe, expect, it } from 'vitest';
import { endsAt, manages, mustType, pick, stateOf, withUsage, type Shown } from './view';

const now = Date.parse('2026-03-10T12:00:00Z');
const key = (id: string, change: Partial<Shown> = {}): Shown => ({ id, user_id: 'user_1', state: 'active', ...change });
const keys = [
  key('own'),
  key('own-ended', { state: 'expired' }),
  key('theirs', { user_id: 'user_2' }),
  key('theirs-ended', { user_id: 'user_2', state: 'revoked' }),
  key('account', { user_id: undefined }),
];
const ids = (ks: Shown[]) => ks.map((k) => k.id);
const member = { user: 'user_1', admin: false };
const admin = { user: 'user_1', admin: true };

describe('pick', () => {
  it('shows members their own, whatever the filter says', () => {
    expect(ids(pick(keys, { owner: 'mine', ended: false }, member))).toEqual(['own']);
    expect(ids(pick(keys, { owner: 'all', ended: true }, member))).toEqual(['own', 'own-ended']);
  });

  it('shows administrators what they choose', () => {
    expect(ids(pick(keys, { owner: 'mine', ended: true }, admin))).toEqual(['own', 'own-ended']);
    expect(ids(pick(keys, { owner: 'all', ended: false }, admin))).toEqual(['own', 'theirs', 'account']);
    expect(pick(keys, { owner: 'all', ended: true }, admin)).toHaveLength(5);
  });

  it('takes nobody in particular for nobody', () => {
    expect(pick(keys, { owner: 'mine', ended: true }, { admin: true })).toEqual([]);
    expect(manages(key('account', { user_id: undefined }), { admin: false })).toBe(false);
  });
});

describe('stateOf', () => {
  it('tells a key with a successor from others', () => {
    expect(stateOf(key('k', { successor: 'key_2' }))).toBe('rotating');
    expect(stateOf(key('k', { successor: 'key_2', state: 'expired' }))).toBe('expired');
    expect(stateOf(key('k'))).toBe('active');
  });
});

describe('mustType', () => {
  it('asks for more where somebody would miss the key', () => {
    expect(mustType(key('k', { last_used_at: '2026-03-04T12:00:00Z' }), now)).toBe(true);
    expect(mustType(key('k', { last_used_at: '2026-03-03T12:00:00Z' }), now)).toBe(false);
    expect(mustType(key('k'), now)).toBe(false);
  });
});

describe('withUsage', () => {
  it('asks for what was used of late and may be seen', () => {
    const used = { last_used_at: '2026-03-01T00:00:00Z' };
    const all = [key('a', used), key('b'), key('c', { ...used, user_id: 'user_2' }), key('d', { last_used_at: '2026-01-01T00:00:00Z' })];
    expect(withUsage(all, member, now)).toEqual(['a']);
    expect(withUsage(all, admin, now)).toEqual(['a', 'c']);
  });
});

describe('endsAt', () => {
  it('is the overlap, but never longer than the key would have lived', () => {
    expect(endsAt('2027-01-01T00:00:00Z', 86_400, now)).toEqual(new Date('2026-03-11T12:00:00Z'));
    expect(endsAt('2026-03-10T13:00:00Z', 86_400, now)).toEqual(new Date('2026-03-10T13:00:00Z'));
    expect(endsAt('2027-01-01T00:00:00Z', 0, now)).toEqual(new Date(now));
  });
});
