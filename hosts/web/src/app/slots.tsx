/**
 * Places of the shell that a page may fill: the sidebar under the navigation,
 * as with the list of threads, and the bar over the page.
 */
import { createContext, useContext, type ReactNode } from 'react';
import { createPortal } from 'react-dom';

export interface SlotElements {
  sidebar: HTMLElement | null;
  topbar: HTMLElement | null;
}

/** Outside of the shell there are none. */
const outside: SlotElements = { sidebar: null, topbar: null };

export const Slots = createContext(outside);

/** Whether the shell, and its main landmark, is around. */
export const useInShell = () => useContext(Slots) !== outside;

/** Puts something under the navigation; on phones it is there while the drawer is open. */
export function InSidebar({ children }: { children: ReactNode }) {
  const { sidebar } = useContext(Slots);
  return sidebar && createPortal(children, sidebar);
}

/** Puts something into the bar over the page, left of the balance. */
export function InTopbar({ children }: { children: ReactNode }) {
  const { topbar } = useContext(Slots);
  return topbar && createPortal(children, topbar);
}
