import { describe, expect, it } from 'vitest';
import { emptyForm, toRequest, type AccessForm } from './form';

const form: AccessForm = { company: ' Example Ltd ', products: ['chat', 'api'], use: ' Answers.\nFor ten people. ', email: ' pat@example.org ', website: '' };

describe('toRequest', () => {
  it('is what was typed, without what surrounds it', () => {
    expect(toRequest(form)).toEqual({
      request: { company: 'Example Ltd', products: ['chat', 'api'], intended_use: 'Answers.\nFor ten people.', email: 'pat@example.org' },
    });
  });

  it('says of every field what is wrong', () => {
    expect(toRequest(emptyForm)).toEqual({ faults: { company: 'faults.company', products: 'faults.products', use: 'faults.use', email: 'faults.email' } });
    expect(toRequest({ ...form, company: 'x'.repeat(101), use: 'x'.repeat(2001) })).toEqual({ faults: { company: 'faults.company', use: 'faults.use' } });
  });

  it('tells of the trap, so that the server can throw the form away', () => {
    expect(toRequest({ ...form, website: 'https://spam.example' })).toHaveProperty('request.website', 'https://spam.example');
  });
});
