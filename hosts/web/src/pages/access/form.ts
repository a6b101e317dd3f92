// The form for access and the request that it becomes.

import { isEmail } from '../email';

export const products = ['chat', 'api', 'workspace'] as const;
export type Product = (typeof products)[number];

export const maxUse = 2000;

export interface AccessForm {
  company: string;
  products: Product[];
  use: string;
  email: string;
  /** People do not see it. */
  website: string;
}

export const emptyForm: AccessForm = { company: '', products: [], use: '', email: '', website: '' };

export type AccessField = 'company' | 'products' | 'use' | 'email';
export type AccessFault = `faults.${AccessField}`;
export type AccessFaults = Partial<Record<AccessField, AccessFault>>;

export interface Request {
  company: string;
  products: Product[];
  intended_use: string;
  email: string;
  website?: string;
}

/** toRequest returns the request of a form, or what is wrong with it. */
export function toRequest(form: AccessForm): { request: Request } | { faults: AccessFaults } {
  const request: Request = { company: form.company.trim(), products: form.products, intended_use: form.use.trim(), email: form.email.trim() };
  const faults: AccessFaults = {};
  const fits = (text: string, most: number) => text !== '' && [...text].length <= most;
  if (!fits(request.company, 100)) faults.company = 'faults.company';
  if (request.products.length === 0) faults.products = 'faults.products';
  if (!fits(request.intended_use, maxUse)) faults.use = 'faults.use';
  if (!isEmail(request.email)) faults.email = 'faults.email';
  if (Object.keys(faults).length > 0) return { faults };
  if (form.website !== '') request.website = form.website.slice(0, 400);
  return { request };
}
