import { Problem } from '@archibotchat/client';
import { describe, expect, it } from 'vitest';
import { problemAt } from './problemAt';

const problem = (...errors: [string, string][]) =>
  new Problem({ status: 422, code: 'x', detail: 'Some of it is wrong.', request_id: 'req_1', errors: errors.map(([location, message]) => ({ location, message })) });

const names = { name: 'name', networks: 'networks', monthly: 'credits' } as const;

describe('problemAt', () => {
  it('finds the field, wherever it lies', () => {
    expect(problemAt(problem(['name', 'Too long.']), names)).toEqual({ name: 'Too long.' });
    expect(problemAt(problem(['body.limits.monthly', 'expected number >= 0'], ['body.networks[3]', 'is not valid']), names)).toEqual({
      credits: 'Expected number >= 0.',
      networks: 'Is not valid.',
    });
  });

  it('keeps the first of several, and says something in any case', () => {
    expect(problemAt(problem(['name', ''], ['name', 'second']), names)).toEqual({ name: 'Some of it is wrong.' });
  });

  it('is empty for what is about no field', () => {
    expect(problemAt(problem(['body', 'x'], ['toString', 'y']), { name: 'name' })).toEqual({});
    expect(problemAt(problem(), names)).toEqual({});
    expect(problemAt(new Error('x'), names)).toEqual({});
    expect(problemAt(null, names)).toEqual({});
  });
});
