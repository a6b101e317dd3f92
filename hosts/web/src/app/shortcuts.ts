/** Keys that do things, from wherever one is; the help sheet lists those that are in force. */
import { useEffect, useRef, useSyncExternalStore } from 'react';

export interface Shortcut {
  /** "mod+k", "?", or one key after another: "g c". mod is Command on a Mac, else Control. */
  keys: string;
  /** What it does, for the help sheet. */
  text: string;
  run: (event: KeyboardEvent) => void;
}

export const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** The keys as they stand on the keyboard. */
export function keyNames(keys: string): string[] {
  return keys.split(/[+ ]/).map((key) => ({ mod: mac ? '⌘' : 'Ctrl', shift: mac ? '⇧' : 'Shift' })[key] ?? (key.length === 1 ? key.toUpperCase() : key));
}

let current: readonly Shortcut[] = [];
const seers = new Set<() => void>();

function set(next: readonly Shortcut[]): void {
  current = next;
  seers.forEach((see) => see());
}

export function useShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (see) => {
      seers.add(see);
      return () => seers.delete(see);
    },
    () => current,
  );
}

/** Puts a shortcut in force while the component is there. */
export function useShortcut(keys: string, text: string, run: Shortcut['run']): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    const mine: Shortcut = { keys, text, run: (event) => latest.current(event) };
    set([...current, mine]);
    return () => set(current.filter((one) => one !== mine));
  }, [keys, text]);
}

/** The name of a key press, such as "mod+shift+o" or "g". */
export function pressed(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>): string {
  const key = event.key.toLowerCase();
  const mod = mac ? event.metaKey : event.ctrlKey;
  const letter = /^[a-z]$/.test(key);
  return [mod && 'mod', event.altKey && 'alt', event.shiftKey && letter && 'shift', key].filter(Boolean).join('+');
}

/** Whether keys are text where the focus is. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

const patience = 1200; // between the keys of a sequence, in milliseconds

/** Hears the keys; once, in the app's root. */
export function useKeyboard(): void {
  useEffect(() => {
    let before = '';
    let at = 0;
    const hear = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.repeat || event.key === undefined) return;
      const key = pressed(event);
      if (!key.startsWith('mod+') && (typing(event.target) || document.querySelector('[role="dialog"],[role="alertdialog"],[role="menu"]'))) return;
      const sequence = event.timeStamp - at < patience ? `${before} ${key}` : key;
      const found = current.findLast(({ keys }) => keys === sequence) ?? current.findLast(({ keys }) => keys === key);
      [before, at] = found ? ['', 0] : [key, event.timeStamp];
      if (!found) return;
      event.preventDefault();
      found.run(event);
    };
    document.addEventListener('keydown', hear);
    return () => document.removeEventListener('keydown', hear);
  }, []);
}
