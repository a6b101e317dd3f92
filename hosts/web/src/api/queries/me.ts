/** Who is signed in, what they may use, and what is left to spend. */
import { queryOptions, useMutation, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { body, client, type Body } from '../client';
import { queryClient } from '../queryClient';

export type Me = Body<'Me'>;
export type Area = Me['areas'][number];
export type AreaName = Area['area'];

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => body(client.GET('/api/me', { signal })),
});

export const balanceQuery = queryOptions({
  queryKey: ['balance'],
  queryFn: ({ signal }) => body(client.GET('/api/credits', { signal })),
  refetchInterval: 60_000,
});

export const providersQuery = queryOptions({
  queryKey: ['providers'],
  queryFn: async ({ signal }) => (await body(client.GET('/api/providers', { signal }))).data,
  staleTime: 5 * 60_000,
});

/** Who is signed in. For what stands inside the app's layout: there is somebody. */
export function useMe(): Me {
  return useSuspenseQuery(meQuery).data;
}

/** An area of the signed-in person: whether it is open, and why not. */
export function useArea(name: AreaName): Area | undefined {
  return useMe().areas.find(({ area }) => area === name);
}

/** The account's balance; absent until it is known, or where there is no account. */
export function useBalance() {
  const account = useMe().account?.id;
  return useQuery({ ...balanceQuery, enabled: account !== undefined });
}

/** Sets what is left to spend, where an answer tells it. */
export function setAvailable(microcredits: number): void {
  queryClient.setQueryData(balanceQuery.queryKey, (old) => old && { ...old, available: microcredits });
}

export function useSwitchAccount() {
  return useMutation({
    mutationFn: (account: string) => body(client.PUT('/api/session/account', { body: { account_id: account } })),
    onSuccess: (me) => {
      queryClient.setQueryData(meQuery.queryKey, me);
      // Everything else was the other account's.
      void queryClient.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' && queryKey[0] !== 'providers' });
    },
  });
}

export function useSignOut() {
  return useMutation({ mutationFn: () => body(client.DELETE('/api/session')) });
}
