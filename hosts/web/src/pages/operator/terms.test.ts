import { describe, expect, it } from 'vitest';
import { isReason, readApproval, toApproval, toTerms } from './terms';

const asked = { id: 'acr_1', company: 'Example Ltd', products: ['api', 'chat', 'operator'] };

describe('toApproval', () => {
  it('begins with what was asked for, which operator never is', () => {
    expect(toApproval(asked)).toEqual({ id: 'acr_1', name: 'Example Ltd', groups: ['chat', 'api'], billing: 'operator_approved' });
  });
});

describe('readApproval', () => {
  it('takes back what was kept', () => {
    const form = { ...toApproval(asked), billing: 'trial' as const };
    expect(readApproval(JSON.parse(JSON.stringify(form)))).toEqual(form);
  });

  it('takes nothing else', () => {
    for (const other of [null, 'x', {}, { ...toApproval(asked), billing: 'free' }, { ...toApproval(asked), groups: 'chat' }]) expect(readApproval(other)).toBeNull();
    expect(readApproval({ ...toApproval(asked), groups: ['operator', 'api'] })?.groups).toEqual(['api']);
  });
});

describe('toTerms', () => {
  it('is the request', () => {
    expect(toTerms({ ...toApproval(asked), name: ' Example ' })).toEqual({ terms: { name: 'Example', groups: ['chat', 'api'], billing: 'operator_approved' } });
  });

  it('says what is wrong', () => {
    expect(toTerms({ id: 'acr_1', name: ' ', groups: [], billing: 'none' })).toEqual({
      faults: { name: 'operator.approving.nameFault', groups: 'operator.approving.groupsFault' },
    });
  });
});

describe('isReason', () => {
  it('is some text, and not too much', () => {
    expect([isReason(' '), isReason('No.'), isReason('x'.repeat(500)), isReason('x'.repeat(501))]).toEqual([false, true, true, false]);
  });
});
