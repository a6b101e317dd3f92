// What stands at the fields of a key's forms.

import { problemAt } from '../problemAt';
import type { Fault, Faults, FieldName } from './draft';

const names: Record<string, FieldName> = {
  name: 'name',
  expires_in: 'until',
  expires_in_seconds: 'until',
  scopes: 'scopes',
  models: 'models',
  networks: 'networks',
  monthly: 'monthly',
  requests_per_minute: 'requests',
  tokens_per_minute: 'tokens',
};

/** errorsOf returns the words for each field: what was found here, else what the server says. */
export function errorsOf(faults: Faults, error: unknown, t: (key: Fault) => string): Partial<Record<FieldName, string>> {
  const out = problemAt(error, names);
  for (const [name, fault] of Object.entries(faults) as [FieldName, Fault][]) out[name] = t(fault);
  return out;
}

/** isElsewhere reports an error that stands at no field. */
export function isElsewhere(error: unknown): boolean {
  return error !== null && error !== undefined && Object.keys(problemAt(error, names)).length === 0;
}
