// Which field of a form a problem is about.

import { Problem } from '@archibotchat/client';

/**
 * problemAt returns what the server says of fields, by the form's names for
 * them; empty where the problem is about the whole. Names maps those of the API,
 * without body and where they lie, to the form's.
 */
export function problemAt<F extends string>(error: unknown, names: Record<string, F>): Partial<Record<F, string>> {
  const out: Partial<Record<F, string>> = {};
  if (!(error instanceof Problem)) return out;
  for (const { location, message } of error.fields) {
    const at = last(location);
    const name = Object.hasOwn(names, at) ? names[at] : undefined;
    if (name !== undefined) out[name] ??= sentence(message, error.detail);
  }
  return out;
}

/** last returns the name of a place such as body.limits.monthly or networks[3]. */
function last(location: string): string {
  return location.replace(/\[\d+\]/g, '').split('.').at(-1) ?? '';
}

/** sentence makes one of what a schema says, such as "expected length <= 100". */
function sentence(message: string, detail: string): string {
  const text = message.trim() || detail;
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
