// API keys: the list, what each used, and what can be done with one.

import { useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { body, client as api, type Schemas } from '../client';

export type Key = Schemas['Key'];
export type NewKey = Schemas['NewKey'];
export type KeyUsage = Schemas['KeyUsage'];
type KeyDraft = Schemas['KeyDraft'];
type KeyChange = Schemas['KeyChange'];

const all = ['keys'] as const;
const usage = ['key-usage'] as const;
const perPage = 200;
/** What a key used changes slowly on the scale of a month. */
const usageFresh = 60_000;

/** useKeys returns the account's keys, newest first, a page at a time. */
export function useKeys() {
  return useInfiniteQuery({
    queryKey: all,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      body(api.GET('/api/keys', { params: { query: { limit: perPage, ...(pageParam ? { cursor: pageParam } : {}) } }, signal })),
    getNextPageParam: (page) => page.next_cursor,
  });
}

function usageOf(id: string, from: string, to: string) {
  return {
    queryKey: [...usage, id, from, to],
    staleTime: usageFresh,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      body(api.GET('/api/keys/{id}/usage', { params: { path: { id }, query: { from, to } }, signal })),
  };
}

/** useKeyUsage returns what a key used by day. */
export function useKeyUsage(id: string, from: string, to: string) {
  return useQuery(usageOf(id, from, to));
}

/** useKeyUsages returns what each of several keys used; none of those that failed or are on their way. */
export function useKeyUsages(ids: string[], from: string, to: string): ReadonlyMap<string, KeyUsage> {
  return useQueries({
    queries: ids.map((id) => ({ ...usageOf(id, from, to), retry: false })),
    combine: (results) => new Map(results.flatMap((r) => (r.data ? [[r.data.key_id, r.data] as const] : []))),
  });
}

/** The answer holds the key's token, so nothing of it is kept once the page lets go. */
const secret = { gcTime: 0 } as const;

export function useCreateKey() {
  const again = useRefresh();
  return useMutation({ ...secret, mutationFn: (draft: KeyDraft) => body(api.POST('/api/keys', { body: draft })), onSuccess: again });
}

export function useRotateKey() {
  const again = useRefresh();
  return useMutation({
    ...secret,
    mutationFn: ({ id, overlap }: { id: string; overlap: number }) =>
      body(api.POST('/api/keys/{id}/rotate', { params: { path: { id } }, body: { overlap_seconds: overlap } })),
    onSuccess: again,
  });
}

export function useRevokeKey() {
  const again = useRefresh();
  return useMutation({ mutationFn: (id: string) => body(api.DELETE('/api/keys/{id}', { params: { path: { id } } })), onSuccess: again });
}

export function useChangeKey() {
  const again = useRefresh();
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: KeyChange }) => body(api.PATCH('/api/keys/{id}', { params: { path: { id } }, body: change })),
    onSuccess: again,
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: all });
}
