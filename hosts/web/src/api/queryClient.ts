import { QueryClient } from '@tanstack/react-query';
import { passing } from './problem';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (failures, error) => passing(error) && failures < 2,
      // Ours to say, see app/offline: a server on this machine needs no network.
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
