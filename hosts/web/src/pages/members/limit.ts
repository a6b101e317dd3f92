// A limit as it is typed: of a member, or of the account.

import { creditsText, maxAmount, parseCount, parseCredits } from '../amount';

export interface LimitForm {
  /** In credits. Empty is no bound, here and below. */
  monthly: string;
  requests: string;
  tokens: string;
}

export type LimitFault = 'limit.credits' | 'limit.count';
export type LimitFaults = Partial<Record<keyof LimitForm, LimitFault>>;

export interface LimitDraft {
  monthly: number;
  requests_per_minute: number;
  tokens_per_minute: number;
}

/** toLimitForm returns a limit as it is typed; of none an empty form. */
export function toLimitForm(l: LimitDraft | undefined): LimitForm {
  const text = (n: number | undefined) => (n ? String(n) : '');
  return {
    monthly: l?.monthly ? creditsText(Math.min(l.monthly, maxAmount)) : '',
    requests: text(l?.requests_per_minute),
    tokens: text(l?.tokens_per_minute),
  };
}

/** toLimit returns the limit of a form, in which 0 is no bound, or what is wrong with it. */
export function toLimit(form: LimitForm): { limit: LimitDraft } | { faults: LimitFaults } {
  const faults: LimitFaults = {};
  const read = (name: keyof LimitForm, parse: (text: string) => number | null, fault: LimitFault): number => {
    if (form[name].trim() === '') return 0;
    const n = parse(form[name]);
    if (n === null) faults[name] = fault;
    return n ?? 0;
  };
  const limit = {
    monthly: read('monthly', parseCredits, 'limit.credits'),
    requests_per_minute: read('requests', parseCount, 'limit.count'),
    tokens_per_minute: read('tokens', parseCount, 'limit.count'),
  };
  return Object.keys(faults).length > 0 ? { faults } : { limit };
}
