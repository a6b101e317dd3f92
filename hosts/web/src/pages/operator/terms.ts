// The form of an approval and the request that it becomes.

import { products, type Product } from '../access/form';

export const billings = ['operator_approved', 'trial', 'active', 'incomplete', 'none'] as const;
export type Billing = (typeof billings)[number];

export interface ApproveForm {
  /** The request that it is about. */
  id: string;
  name: string;
  groups: Product[];
  billing: Billing;
}

export type ApproveFault = 'operator.approving.nameFault' | 'operator.approving.groupsFault';
export type ApproveFaults = Partial<Record<'name' | 'groups', ApproveFault>>;

/** Asked is what an approval begins with. */
export interface Asked {
  id: string;
  company: string;
  products: string[];
}

/** toApproval returns the form for a request: what was asked for, on invoice. */
export function toApproval(r: Asked): ApproveForm {
  return { id: r.id, name: r.company, groups: products.filter((p) => r.products.includes(p)), billing: 'operator_approved' };
}

/** readApproval returns a form as it was kept over a sign-in; null for anything else. */
export function readApproval(kept: unknown): ApproveForm | null {
  const f = kept as Partial<Record<keyof ApproveForm, unknown>> | null;
  if (f === null || typeof f !== 'object' || typeof f.id !== 'string' || typeof f.name !== 'string' || !Array.isArray(f.groups)) return null;
  const given: unknown[] = f.groups;
  const billing = billings.find((b) => b === f.billing);
  return billing === undefined ? null : { id: f.id, name: f.name, groups: products.filter((p) => given.includes(p)), billing };
}

export interface Terms {
  name: string;
  groups: Product[];
  billing: Billing;
}

/** toTerms returns the request, or what is wrong with the form. */
export function toTerms(form: ApproveForm): { terms: Terms } | { faults: ApproveFaults } {
  const faults: ApproveFaults = {};
  const name = form.name.trim();
  if (name === '' || [...name].length > 100) faults.name = 'operator.approving.nameFault';
  if (form.groups.length === 0) faults.groups = 'operator.approving.groupsFault';
  return Object.keys(faults).length > 0 ? { faults } : { terms: { name, groups: form.groups, billing: form.billing } };
}

/** The longest reason of a denial, in characters. */
const maxReason = 500;

/** isReason reports whether the server takes a text as the reason of a denial. */
export function isReason(text: string): boolean {
  const length = [...text.trim()].length;
  return length > 0 && length <= maxReason;
}
