import { useEffect, useSyncExternalStore } from 'react';
import { chatPort, sawThread, staleThreads } from '@/api/queries/chat';
import { meQuery, setAvailable } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { ChatStore, type Tabs } from './store';
import type { ChatThread, Conversation } from './thread';

let current: { owner: string; store: ChatStore } | undefined;

/** The conversations of this tab for one member; another member begins anew. */
export function chatOf(owner: string): ChatStore {
  if (current?.owner === owner) return current.store;
  current?.store.close();
  const store = new ChatStore({ port: chatPort, tabs: tabs(owner), followers: followers() });
  store.hear((n) => {
    switch (n.kind) {
      case 'thread':
        sawThread(n.thread);
        break;
      case 'started':
      case 'elsewhere':
        void staleThreads();
        break;
      case 'ended':
        if (n.available !== undefined) setAvailable(n.available);
        void staleThreads();
        break;
      case 'signed-out':
        void queryClient.invalidateQueries(meQuery);
    }
  });
  current = { owner, store };
  return store;
}

function tabs(owner: string): Tabs | undefined {
  return typeof BroadcastChannel === 'undefined' ? undefined : (new BroadcastChannel(`archibot.chat.${owner}`) as Tabs);
}

/**
 * Over HTTP/1.1 a browser has six connections to a server for all of its tabs;
 * held lines must leave some. What is not followed catches up when looked at.
 */
function followers(): number {
  const [page] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return page?.nextHopProtocol === 'h2' || page?.nextHopProtocol === 'h3' ? 8 : 2;
}

const looksEvery = 4_000;

/** Keeps what is shown in step with what other tabs and browsers do. */
export function useLooking(store: ChatStore, thread: string | undefined): void {
  useEffect(() => {
    store.show(thread);
    return () => store.show(undefined);
  }, [store, thread]);
  useEffect(() => {
    const look = () => {
      if (document.hidden) {
        if (followers() < 8) store.rest();
      } else store.look();
    };
    const timer = setInterval(() => document.hidden || store.look(), looksEvery);
    window.addEventListener('focus', look);
    window.addEventListener('online', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      window.removeEventListener('focus', look);
      window.removeEventListener('online', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, [store]);
}

const nothing: Conversation = {
  id: '',
  status: 'ready',
  path: [],
  earlier: false,
  loadingEarlier: false,
  sending: false,
  stopping: false,
  connected: true,
};
const never = () => () => undefined;
const none = () => nothing;

export function useConversation(thread: ChatThread | undefined): Conversation {
  return useSyncExternalStore(thread?.subscribe ?? never, thread?.get ?? none);
}

/** The text of a message; it is drawn anew only where that one grows. */
export function useText(thread: ChatThread, id: string): string {
  return useSyncExternalStore(
    (listener) => thread.subscribeText(id, listener),
    () => thread.text(id),
  );
}
