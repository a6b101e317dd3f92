/** Whether the server can be reached: by what the browser says, and by what came of calls. */
import { useSyncExternalStore } from 'react';
import { seeProblems } from '@/api/client';
import { unreachable } from '@/api/problem';
import { queryClient } from '@/api/queryClient';

export type Line = 'up' | 'offline' | 'unreachable';

let line: Line = navigator.onLine ? 'up' : 'offline';
let timer: ReturnType<typeof setTimeout> | undefined;
const seers = new Set<() => void>();
const pause = 3000; // between tries, in milliseconds

function set(next: Line): void {
  if (line === next) return;
  const back = next === 'up';
  line = next;
  seers.forEach((see) => see());
  if (back) void queryClient.invalidateQueries();
}

/** Asks until the server answers. It needs no session, so that waiting keeps none alive. */
async function ask(): Promise<void> {
  timer = undefined;
  if (line === 'up') return;
  const answers = await fetch('/healthz', { cache: 'no-store' }).then((answer) => answer.ok, () => false);
  if (answers) set('up');
  else timer ??= setTimeout(() => void ask(), pause);
}

function doubt(as: Line): void {
  set(as);
  timer ??= setTimeout(() => void ask(), as === 'offline' ? pause : 500);
}

/** Begins to watch; once, in the app's root. */
export function watchLine(): () => void {
  const offline = () => doubt('offline');
  const online = () => {
    clearTimeout(timer);
    void ask();
  };
  window.addEventListener('offline', offline);
  window.addEventListener('online', online);
  const blind = seeProblems((problem) => {
    if (unreachable(problem)) doubt(navigator.onLine ? 'unreachable' : 'offline');
  });
  return () => {
    window.removeEventListener('offline', offline);
    window.removeEventListener('online', online);
    blind();
    clearTimeout(timer);
    timer = undefined;
  };
}

export function useLine(): Line {
  return useSyncExternalStore(
    (see) => {
      seers.add(see);
      return () => seers.delete(see);
    },
    () => line,
  );
}
