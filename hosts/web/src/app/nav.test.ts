import { describe, expect, test } from 'vitest';
import type { Me } from '@/api/queries/me';
import { destinationAt, destinationsOf } from './nav';

function me(role: 'member' | 'admin' | undefined, areas: Record<string, string | true>): Me {
  return {
    accounts: [], request_id: 'req_1',
    session: { id: 'ses_1', role, operator: false, created_at: '', idle_expires_at: '', expires_at: '' },
    areas: Object.entries(areas).map(([area, open]) => ({
      area: area as Me['areas'][number]['area'], allowed: open === true, reasons: open === true ? [] : [{ code: open, sentence: 's', next_step: 'n' }],
    })),
  };
}

describe('destinationsOf', () => {
  test.each([
    ['a member', me('member', { chat: true, api: true, operator: 'no_product_group' }), ['chat', 'keys', 'sessions']],
    ['a member whose areas are closed still sees them', me('member', { chat: 'payment_review', api: 'credits_exhausted', operator: 'no_product_group' }), ['chat', 'keys', 'sessions']],
    ['what is not offered here is left out', me('member', { chat: 'area_disabled', api: true, operator: 'no_product_group' }), ['keys', 'sessions']],
    ['an administrator', me('admin', { chat: true, api: true, operator: 'no_product_group' }), ['chat', 'keys', 'members', 'setup', 'sessions']],
    ['an operator without an account', me(undefined, { chat: 'account_pending', api: 'account_pending', operator: true }), ['chat', 'keys', 'requests', 'sessions']],
  ])('%s', (_, who, names) => {
    expect(destinationsOf(who).map(({ name }) => name)).toEqual(names);
  });
});

describe('destinationAt', () => {
  test.each([
    ['/chat', 'chat'],
    ['/chat/thr_1', 'chat'],
    ['/chatter', undefined],
    ['/operator/requests', 'requests'],
    ['/', undefined],
  ])('%s', (path, name) => {
    expect(destinationAt(path)?.name).toBe(name);
  });
});
