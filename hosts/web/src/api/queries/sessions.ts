// The sessions of the person who is signed in.

import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { body, client as api, type Schemas } from '../client';

export type OwnSession = Schemas['OwnSession'];

const all = ['sessions'] as const;
const perPage = 100;

function page(cursor: string, signal?: AbortSignal) {
  return body(api.GET('/api/sessions', { params: { query: { limit: perPage, ...(cursor ? { cursor } : {}) } }, signal }));
}

/** useSessions returns them, newest first, a page at a time. */
export function useSessions() {
  return useInfiniteQuery({
    queryKey: all,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => page(pageParam, signal),
    getNextPageParam: (p) => p.next_cursor,
  });
}

/** useEndSession ends one of them; one that has ended meanwhile is as good. */
export function useEndSession() {
  const client = useQueryClient();
  return useMutation({ mutationFn: end, onSettled: () => client.invalidateQueries({ queryKey: all }) });
}

/** useEndOthers ends all but this one, and returns how many that were. */
export function useEndOthers() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const others = await list();
      for (const s of others) await end(s.id);
      return others.length;
    },
    onSettled: () => client.invalidateQueries({ queryKey: all }),
  });
}

async function list(): Promise<OwnSession[]> {
  const out: OwnSession[] = [];
  let cursor: string | undefined = '';
  while (cursor !== undefined) {
    const p: Schemas['OwnSessionList'] = await page(cursor);
    out.push(...p.data.filter((s) => !s.current));
    cursor = p.next_cursor;
  }
  return out;
}

async function end(id: string): Promise<void> {
  try {
    await api.DELETE('/api/sessions/{id}', { params: { path: { id } } });
  } catch (error) {
    if ((error as { status?: number }).status !== 404) throw error;
  }
}
