// The members of the account, who was invited, and what each may spend.

import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { body, client as api, type Schemas } from '../client';

export type Member = Schemas['Member'];
export type Role = Member['role'];
export type Invitation = Schemas['Invitation'];
export type NewInvitation = Schemas['NewInvitation'];
export type Limit = Schemas['Limit'];
type LimitDraft = Schemas['LimitDraft'];

const members = ['members'] as const;
const invitations = ['invitations'] as const;
const limits = ['limits'] as const;
const perPage = 200;

const query = (cursor: string) => ({ limit: perPage, ...(cursor ? { cursor } : {}) });

/** useMembers returns the members by user ID. For administrators. */
export function useMembers({ enabled }: { enabled: boolean }) {
  return useInfiniteQuery({
    queryKey: members,
    enabled,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => body(api.GET('/api/members', { params: { query: query(pageParam) }, signal })),
    getNextPageParam: (p) => p.next_cursor,
  });
}

/** useChangeRole changes what a member may do; perhaps one's own, so that one is looked at again too. */
export function useChangeRole() {
  const again = useRefresh(members, ['me']);
  return useMutation({
    mutationFn: ({ user, role }: { user: string; role: Role }) =>
      body(api.PATCH('/api/members/{user_id}', { params: { path: { user_id: user } }, body: { role } })),
    onSuccess: again,
  });
}

/** useRemoveMember removes a member, or oneself. Their keys end with it. */
export function useRemoveMember() {
  const again = useRefresh(members, limits, ['keys']);
  return useMutation({
    mutationFn: async (user: string) => {
      await api.DELETE('/api/members/{user_id}', { params: { path: { user_id: user } } });
    },
    onSuccess: again,
  });
}

/** useInvitations returns those that are open and those of late, newest first. For administrators. */
export function useInvitations({ enabled }: { enabled: boolean }) {
  return useInfiniteQuery({
    queryKey: invitations,
    enabled,
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => body(api.GET('/api/invitations', { params: { query: query(pageParam) }, signal })),
    getNextPageParam: (p) => p.next_cursor,
  });
}

/** useInvite makes an invitation. The answer holds its link, so it is not kept. */
export function useInvite() {
  const again = useRefresh(invitations);
  return useMutation({
    gcTime: 0,
    mutationFn: (draft: { email: string; role: Role }) => body(api.POST('/api/invitations', { body: draft })),
    onSuccess: again,
  });
}

export function useRevokeInvitation() {
  const again = useRefresh(invitations);
  return useMutation({
    mutationFn: async (id: string) => {
      await api.DELETE('/api/invitations/{id}', { params: { path: { id } } });
    },
    onSuccess: again,
  });
}

/** useAcceptInvitation makes the person who is signed in a member. */
export function useAcceptInvitation() {
  const client = useQueryClient();
  return useMutation({
    gcTime: 0,
    mutationFn: (token: string) => body(api.POST('/api/invitations/accept', { body: { token } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ['me'] }),
  });
}

/** useLimits returns every limit of the account. For administrators. */
export function useLimits({ enabled }: { enabled: boolean }) {
  return useQuery({
    queryKey: limits,
    enabled,
    queryFn: async ({ signal }) => {
      const out: Limit[] = [];
      let cursor: string | undefined = '';
      while (cursor !== undefined) {
        const p: Schemas['LimitList'] = await body(
          api.GET('/api/limits', { params: { query: { limit: 1000, ...(cursor ? { cursor } : {}) } }, signal }),
        );
        out.push(...p.data);
        cursor = p.next_cursor;
      }
      return out;
    },
  });
}

/** useSetLimit sets the limit of a member, or of the account; one that bounds nothing is cleared. */
export function useSetLimit() {
  const again = useRefresh(limits);
  return useMutation({
    mutationFn: async ({ whose, limit }: { whose: string; limit: LimitDraft }) => {
      const path = { whose };
      if (Object.values(limit).some((n) => n > 0)) await api.PUT('/api/limits/{whose}', { params: { path }, body: limit });
      else await api.DELETE('/api/limits/{whose}', { params: { path } });
    },
    onSuccess: again,
  });
}

function useRefresh(...keys: (readonly string[])[]) {
  const client = useQueryClient();
  return () => Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
}
