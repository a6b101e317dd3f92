/**
 * Text that was typed and is not saved yet outlives a sign-in: it is put into
 * the tab's own storage just before the page is left, for the same person
 * alone, and taken out where it was typed.
 */
import { useEffect, useRef, useState } from 'react';
import { meQuery } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';

interface Kept {
  person: string;
  texts: Record<string, string>;
}

const key = 'archibot.unsaved';
const fields = new Map<string, () => string>();

function person(): string {
  const me = queryClient.getQueryData(meQuery.queryKey);
  return me?.user?.id ?? '';
}

function stored(): Kept | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') as Kept | null;
  } catch {
    return null;
  }
}

function store(kept: Kept | null): void {
  try {
    if (kept && Object.keys(kept.texts).length > 0) sessionStorage.setItem(key, JSON.stringify(kept));
    else sessionStorage.removeItem(key);
  } catch {
    // storage is closed: what was typed is lost with the page
  }
}

/** Keeps what stands in the fields; before the page is left for a sign-in. */
export function keepUnsaved(): void {
  const texts: Record<string, string> = {};
  for (const [name, text] of fields) {
    if (text().trim()) texts[name] = text();
  }
  if (Object.keys(texts).length > 0) store({ person: person(), texts });
}

/** Forgets all of it; on signing out. */
export function forgetUnsaved(): void {
  store(null);
}

/** Takes out what was kept under a name, for the person who typed it; empty if nothing was. */
function take(name: string): string {
  const kept = stored();
  if (!kept) return '';
  if (kept.person !== person()) {
    store(null); // somebody else's
    return '';
  }
  const { [name]: text = '', ...rest } = kept.texts;
  if (text) store({ ...kept, texts: rest });
  return text;
}

/**
 * Registers a field by a name that is its own, and returns what was kept of it,
 * once, as the text to begin with.
 */
export function useUnsaved(name: string, text: string): string {
  const latest = useRef(text);
  useEffect(() => {
    latest.current = text;
  }, [text]);
  useEffect(() => {
    fields.set(name, () => latest.current);
    return () => {
      fields.delete(name);
    };
  }, [name]);
  const [first] = useState(() => take(name));
  return first;
}
