// What the page shows of keys, and to whom.

export interface Viewer {
  /** Absent for a session of nobody in particular. */
  user?: string | undefined;
  admin: boolean;
}

export interface Filter {
  owner: 'mine' | 'all';
  /** Revoked and expired ones too. */
  ended: boolean;
}

/** Shown is what decides of a key whether and how it is shown. */
export interface Shown {
  id: string;
  user_id?: string | undefined;
  state: 'active' | 'expired' | 'revoked';
  successor?: string | undefined;
  last_used_at?: string | undefined;
}

const aDay = 86_400_000;

/** manages reports whether the API lets the viewer change a key and see what it used. */
export function manages(k: Shown, viewer: Viewer): boolean {
  return viewer.admin || isMine(k, viewer);
}

export function isMine(k: Shown, viewer: Viewer): boolean {
  return viewer.user !== undefined && k.user_id === viewer.user;
}

/** pick returns the keys that pass the filter. Members see their own. */
export function pick<K extends Shown>(keys: readonly K[], { owner, ended }: Filter, viewer: Viewer): K[] {
  const all = viewer.admin && owner === 'all';
  return keys.filter((k) => (all || isMine(k, viewer)) && (ended || k.state === 'active'));
}

export type State = Shown['state'] | 'rotating';

/** stateOf tells a key that works on beside its successor from others. */
export function stateOf(k: Shown): State {
  return k.state === 'active' && k.successor ? 'rotating' : k.state;
}

/** usedWithin reports whether a key was used in the last so many days. */
export function usedWithin(k: Shown, days: number, now: number): boolean {
  return k.last_used_at !== undefined && now - Date.parse(k.last_used_at) < days * aDay;
}

/** mustType says whose revocation is confirmed by typing: somebody may miss the key. */
export function mustType(k: Shown, now: number): boolean {
  return usedWithin(k, 7, now);
}

/** withUsage returns the keys whose usage is worth asking for. */
export function withUsage(keys: readonly Shown[], viewer: Viewer, now: number): string[] {
  return keys.filter((k) => manages(k, viewer) && usedWithin(k, 31, now)).map((k) => k.id);
}

/** endsAt returns when the old key ends after a rotation: never later than it would have. */
export function endsAt(expires: string, overlap: number, now: number): Date {
  return new Date(Math.min(Date.parse(expires), now + overlap * 1000));
}
