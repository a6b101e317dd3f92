import { describe, expect, it } from 'vitest';
import { length, maxUse, toSetup } from './form';

describe('toSetup', () => {
  it('is the request', () => {
    expect(toSetup({ use: ' Support answers. ', notifications: 'essential', files: 'metadata' })).toEqual({
      draft: { intended_use: 'Support answers.', notifications: 'essential', files: 'metadata' },
    });
    expect(toSetup({ use: '', notifications: 'all', files: 'none' })).toHaveProperty('draft.intended_use', '');
  });

  it('says what is wrong', () => {
    expect(toSetup({ use: 'x'.repeat(maxUse + 1), notifications: '', files: '' })).toEqual({
      faults: { use: 'form.useLong', notifications: 'form.choose', files: 'form.choose' },
    });
  });

  it('counts characters as people do', () => {
    expect(length('👩‍🚀'.repeat(1))).toBe(3); // what Go counts too: code points
    expect(toSetup({ use: '🙂'.repeat(maxUse), notifications: 'all', files: 'none' })).toHaveProperty('draft');
  });
});
