// What the account settles before it begins.

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { body, client as api, type Schemas } from '../client';

export type Setup = Schemas['Setup'];
export type SetupDraft = Schemas['SetupInputBody'];

const key = ['setup'] as const;
/** The gates know of an acknowledgement within a second. */
const gatesKnow = 1_200;

export function useSetup() {
  return useQuery({ queryKey: key, queryFn: ({ signal }) => body(api.GET('/api/setup', { signal })) });
}

export function useSaveSetup() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (draft: SetupDraft) => body(api.PUT('/api/setup', { body: draft })),
    onSuccess: (setup) => { client.setQueryData(key, setup); },
  });
}

/** useAcknowledge acknowledges a version of the data boundary, and looks at the gates again. */
export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (version: string) => body(api.POST('/api/setup/acknowledgement', { body: { version } })),
    onSuccess: (setup) => {
      client.setQueryData(key, setup);
      void client.invalidateQueries({ queryKey: ['me'] });
      setTimeout(() => void client.invalidateQueries({ queryKey: ['me'] }), gatesKnow);
    },
    onError: () => client.invalidateQueries({ queryKey: key }),
  });
}
