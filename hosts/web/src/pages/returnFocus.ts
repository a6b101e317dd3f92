// Where the focus goes when dialogs that follow each other are done: back to what
// opened the first. Each alone knows only the one before, which is gone by then.

import { useEffect, useRef } from 'react';

const passing = '[role="dialog"],[role="alertdialog"],[role="menu"],[data-radix-focus-guard]';

/** useReturnFocus brings the focus back to the page once open turns false. */
export function useReturnFocus(open: boolean): void {
  const last = useRef<HTMLElement | null>(null);
  useEffect(() => {
    const see = ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement && !target.closest(passing)) last.current = target;
    };
    document.addEventListener('focusin', see);
    return () => document.removeEventListener('focusin', see);
  }, []);
  useEffect(() => {
    if (open) return;
    // After the dialog has given the focus back by itself, where it can.
    const timer = setTimeout(() => {
      if (document.activeElement !== document.body || !last.current) return;
      (last.current.isConnected ? last.current : document.getElementById('main'))?.focus();
    }, 50);
    return () => clearTimeout(timer);
  }, [open]);
}
