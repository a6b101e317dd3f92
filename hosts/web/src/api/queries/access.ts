// Asking for access, and deciding on it.

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { body, client as api, type Schemas } from '../client';

export type AccessForm = Schemas['RequestInputBody'];
export type AccessRequest = Schemas['AccessRequest'];
export type ApprovedRequest = Schemas['ApprovedRequest'];
export type OwnRequest = Schemas['OwnRequest'];
export type Terms = Schemas['ApproveInputBody'];
export type RequestFilter = 'open' | 'approved' | 'denied' | 'all';

const requests = ['access-requests'] as const;
const perPage = 50;

/** challenge gets what a browser works on before the form is taken. */
export function challenge() {
  return body(api.GET('/api/access-requests/challenge'));
}

/** requestAccess sends the form. */
export async function requestAccess(form: AccessForm): Promise<void> {
  await api.POST('/api/access-requests', { body: form });
}

/** useOwnRequest returns what became of one's own request. */
export function useOwnRequest() {
  return useQuery({
    queryKey: [...requests, 'mine'],
    retry: false,
    queryFn: ({ signal }) => body(api.GET('/api/access-requests/mine', { signal })),
  });
}

/** useRequests returns requests in a state, newest first. For operators. */
export function useRequests(state: RequestFilter) {
  return useInfiniteQuery({
    queryKey: [...requests, 'list', state],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET('/api/operator/access-requests', {
          params: { query: { state, limit: perPage, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    getNextPageParam: (p) => p.next_cursor,
  });
}

/** useRequest returns one request. For operators. */
export function useRequest(id: string) {
  return useQuery({
    queryKey: [...requests, 'one', id],
    queryFn: ({ signal }) => body(api.GET('/api/operator/access-requests/{id}', { params: { path: { id } }, signal })),
  });
}

/** useApprove approves a request. The answer holds the invitation's link, so it is not kept. */
export function useApprove() {
  const again = useRefresh();
  return useMutation({
    gcTime: 0,
    mutationFn: ({ id, terms }: { id: string; terms: Terms }) =>
      body(api.POST('/api/operator/access-requests/{id}/approve', { params: { path: { id } }, body: terms })),
    onSettled: again,
  });
}

export function useDeny() {
  const again = useRefresh();
  return useMutation({
    mutationFn: ({ id, reason }: { id: string; reason: string }) =>
      body(api.POST('/api/operator/access-requests/{id}/deny', { params: { path: { id } }, body: { reason } })),
    onSettled: again,
  });
}

export function useReopen() {
  const again = useRefresh();
  return useMutation({
    mutationFn: (id: string) => body(api.POST('/api/operator/access-requests/{id}/reopen', { params: { path: { id } } })),
    onSettled: again,
  });
}

/** Somebody else may have decided meanwhile: what is shown is looked at again in any case. */
function useRefresh() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: requests });
}
