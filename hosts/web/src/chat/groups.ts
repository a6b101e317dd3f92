import type { Thread } from './types';

export type GroupName = 'pinned' | 'today' | 'yesterday' | 'week' | 'older';

export interface Group {
  name: GroupName;
  threads: Thread[];
}

/**
 * Threads by when they were last used, by the days of whoever looks. The order
 * within is the server's: pinned ones first, then the newest.
 */
export function groups(threads: readonly Thread[], now: Date): Group[] {
  const out: Group[] = [];
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const daysAgo = (days: number) => new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() - days);
  const nameOf = (t: Thread): GroupName => {
    if (t.pinned) return 'pinned';
    const at = new Date(t.updated_at);
    if (at >= midnight) return 'today';
    if (at >= daysAgo(1)) return 'yesterday';
    return at >= daysAgo(7) ? 'week' : 'older';
  };
  for (const t of threads) {
    const name = nameOf(t);
    const last = out.find((g) => g.name === name);
    if (last) last.threads.push(t);
    else out.push({ name, threads: [t] });
  }
  return out;
}
