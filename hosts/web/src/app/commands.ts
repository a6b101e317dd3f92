/** What the command palette offers; pages add to it while they are there. */
import { useEffect, useSyncExternalStore } from 'react';
import type { LucideIcon } from 'lucide-react';

export interface Command {
  id: string;
  /** Under which heading; a text of the person's language. */
  group: string;
  text: string;
  /** Further words that find it. */
  words?: string[];
  icon?: LucideIcon;
  /** Its shortcut, for show. */
  keys?: string;
  run: () => void;
}

let groups: readonly (readonly Command[])[] = [];
let all: readonly Command[] = [];
const seers = new Set<() => void>();

function set(next: readonly (readonly Command[])[]): void {
  groups = next;
  all = next.flat();
  seers.forEach((see) => see());
}

/** Offers commands while the component is there. The list is made with useMemo. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    set([...groups, commands]);
    return () => set(groups.filter((one) => one !== commands));
  }, [commands]);
}

export function useAllCommands(): readonly Command[] {
  return useSyncExternalStore(
    (see) => {
      seers.add(see);
      return () => seers.delete(see);
    },
    () => all,
  );
}

let opened = false;
const watchers = new Set<() => void>();

/** Opens or closes the palette. */
export function setPalette(open: boolean): void {
  opened = open;
  watchers.forEach((watch) => watch());
}

export function usePalette(): boolean {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => opened,
  );
}
