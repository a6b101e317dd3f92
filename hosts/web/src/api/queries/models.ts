// The models, for pages other than the chat.

import { queryOptions } from '@tanstack/react-query';
import { body, client } from '../client';

export const modelsQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async ({ signal }) => (await body(client.GET('/api/models', { signal }))).models,
  staleTime: 5 * 60_000,
});
