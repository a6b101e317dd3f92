// Forms that outlive a sign-in: what was typed comes back with the person, in the
// same tab, and the form stands open again. Nothing secret is typed in them.

import { useState } from 'react';
import { useUnsaved } from '@/app/unsaved';

/**
 * useKeptForm returns a form while it is open, null otherwise, and how to change
 * it. Read makes a form of what was kept; null for what is none.
 */
export function useKeptForm<Form>(name: string, read: (kept: unknown) => Form | null): [Form | null, (form: Form | null) => void] {
  const [form, setForm] = useState<Form | null>(null);
  const [begun, setBegun] = useState(false);
  const kept = useUnsaved(name, form === null ? '' : JSON.stringify(form));
  if (!begun) {
    setBegun(true);
    const before = parse(kept);
    if (before !== undefined) setForm(read(before));
  }
  return [form, setForm];
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
