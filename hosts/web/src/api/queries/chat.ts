/** Conversations, the models they go to, and the prompts kept for them. */
import {
  infiniteQueryOptions,
  type InfiniteData,
  keepPreviousData,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  useQuery,
} from '@tanstack/react-query';
import { follow } from '@/chat/follow';
import type { ChatPort } from '@/chat/port';
import type { Prompt, Thread } from '@/chat/types';
import { type Body, body, client } from '../client';
import { queryClient } from '../queryClient';

export type ThreadView = 'active' | 'archived' | 'deleted';

const at = (thread: string) => ({ params: { path: { thread } } });

/** The server as the chat store knows it. */
export const chatPort: ChatPort = {
  thread: (id) => body(client.GET('/api/threads/{thread}', at(id))),
  messages: (id, query) => body(client.GET('/api/threads/{thread}/messages', { params: { path: { thread: id }, query } })),
  create: (fields) => body(client.POST('/api/threads', { body: fields })),
  change: (id, fields) => body(client.PATCH('/api/threads/{thread}', { ...at(id), body: fields })),
  remove: (id) => body(client.DELETE('/api/threads/{thread}', at(id))).then(() => undefined),
  choose: (id, message) => body(client.PUT('/api/threads/{thread}/head', { ...at(id), body: { message } })),
  start: (id, ask) => body(client.POST('/api/threads/{thread}/turns', { ...at(id), body: ask })),
  stop: (turn) => body(client.POST('/api/turns/{turn}/stop', { params: { path: { turn } } })),
  turn: (turn) => body(client.GET('/api/turns/{turn}', { params: { path: { turn } } })),
  follow,
};

export const modelsQuery = queryOptions({
  queryKey: ['models'],
  queryFn: async ({ signal }) => (await body(client.GET('/api/models', { signal }))).models,
  staleTime: 5 * 60_000,
});

export function useModels() {
  return useQuery(modelsQuery);
}

const threadsQuery = (view: ThreadView, q: string) =>
  infiniteQueryOptions({
    queryKey: ['threads', view, q],
    queryFn: ({ signal, pageParam }) =>
      body(client.GET('/api/threads', { signal, params: { query: { view, q: q || undefined, limit: 60, cursor: pageParam || undefined } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });

/** Threads by pages; the first ones are looked at again while an answer is at work. */
export function useThreads(view: ThreadView, q: string) {
  return useInfiniteQuery({
    ...threadsQuery(view, q),
    refetchInterval: (query) => {
      const pages = query.state.data?.pages;
      const running = pages?.some((p) => p.threads.some((t) => t.running_turn !== undefined)) ?? false;
      // Reading many pages anew costs more than it tells.
      return running && (pages?.length ?? 0) <= 3 ? 4_000 : false;
    },
  });
}

type Pages = InfiniteData<Body<'ThreadList'>, string>;

/** Puts a thread as it is now into the lists that show it. */
export function sawThread(thread: Thread): void {
  queryClient.setQueriesData<Pages>(
    { queryKey: ['threads'] },
    (old) =>
      old && {
        ...old,
        pages: old.pages.map((p) =>
          p.threads.some((t) => t.id === thread.id) ? { ...p, threads: p.threads.map((t) => (t.id === thread.id ? thread : t)) } : p,
        ),
      },
  );
}

function dropThread(id: string): void {
  queryClient.setQueriesData<Pages>(
    { queryKey: ['threads'] },
    (old) => old && { ...old, pages: old.pages.map((p) => ({ ...p, threads: p.threads.filter((t) => t.id !== id) })) },
  );
}

/** Keeps a list that is on its way from undoing what is shown already. */
const withhold = () => queryClient.cancelQueries({ queryKey: ['threads'] });

/** Has the lists of threads read anew. */
export function staleThreads(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ['threads'] });
}

export interface ThreadFields {
  title?: string;
  pinned?: boolean;
  archived?: boolean;
}

export function useChangeThread() {
  return useMutation({
    mutationFn: ({ thread, fields }: { thread: Thread; fields: ThreadFields }) =>
      body(client.PATCH('/api/threads/{thread}', { ...at(thread.id), body: fields })),
    onMutate: ({ thread, fields }) => {
      void withhold();
      if (fields.archived === undefined) sawThread({ ...thread, ...fields, title: fields.title || thread.title });
      else dropThread(thread.id);
    },
    onSuccess: sawThread,
    onError: (_, { thread }) => sawThread(thread),
    onSettled: staleThreads,
  });
}

export function useDeleteThread() {
  return useMutation({
    mutationFn: (id: string) => chatPort.remove(id),
    onMutate: (id) => {
      void withhold();
      dropThread(id);
    },
    onSettled: staleThreads,
  });
}

export function useRestoreThread() {
  return useMutation({
    mutationFn: (id: string) => body(client.POST('/api/threads/{thread}/restore', at(id))),
    onSettled: staleThreads,
  });
}

/** Where a thread can be downloaded. */
export const exportAddress = (id: string, format: 'markdown' | 'json') => `/api/threads/${encodeURIComponent(id)}/export?format=${format}`;

export const promptsQuery = queryOptions({
  queryKey: ['prompts'],
  queryFn: async ({ signal }) => (await body(client.GET('/api/prompts', { signal }))).prompts,
  staleTime: 60_000,
});

export function usePrompts(enabled = true) {
  return useQuery({ ...promptsQuery, enabled });
}

export function useSavePrompt() {
  return useMutation({
    mutationFn: ({ id, title, text }: { id?: string; title: string; text: string }): Promise<Prompt> =>
      id === undefined
        ? body(client.POST('/api/prompts', { body: { title, text } }))
        : body(client.PATCH('/api/prompts/{prompt}', { params: { path: { prompt: id } }, body: { title, text } })),
    onSettled: () => queryClient.invalidateQueries(promptsQuery),
  });
}

export function useDeletePrompt() {
  return useMutation({
    mutationFn: (id: string) => body(client.DELETE('/api/prompts/{prompt}', { params: { path: { prompt: id } } })),
    onSettled: () => queryClient.invalidateQueries(promptsQuery),
  });
}

export async function loadDraft(thread: string): Promise<string> {
  return (await body(client.GET('/api/drafts/{thread}', at(thread)))).text;
}

/** Saves a draft; `last` where the page is about to go, and nobody waits for the answer. */
export async function saveDraft(thread: string, text: string, last = false): Promise<void> {
  await body(client.PUT('/api/drafts/{thread}', { ...at(thread), body: { text }, keepalive: last }));
}
