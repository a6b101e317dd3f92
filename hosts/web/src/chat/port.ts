import { problemOf } from '@/api/problem';
import type { Follower } from './follow';
import type { Ask, Page, Started, Thread, Trouble, Turn } from './types';

/** What a thread may begin with. */
export interface NewThread {
  model?: string;
  instructions?: string;
}

/** What the chat store needs of the server. Failures are thrown as Problem. */
export interface ChatPort {
  thread(id: string): Promise<Thread>;
  messages(id: string, query: { limit: number; before?: string; at?: string }): Promise<Page>;
  create(fields: NewThread): Promise<Thread>;
  change(id: string, fields: { model?: string; instructions?: string; title?: string }): Promise<Thread>;
  remove(id: string): Promise<void>;
  choose(id: string, message: string): Promise<Thread>;
  start(id: string, ask: Ask): Promise<Started>;
  stop(turn: string): Promise<Turn>;
  turn(id: string): Promise<Turn>;
  follow(turn: string, cursor: number, to: Follower): () => void;
}

/** A failure as trouble; what is no answer of the server is the network's. */
export function troubleOf(error: unknown): Trouble {
  const p = problemOf(error);
  return { status: p.status, code: p.code, message: p.detail, nextStep: p.next_step || undefined, requestID: p.request_id || undefined };
}

/** What happens in the chat that others want to know of. */
export type ChatNews =
  | { kind: 'thread'; thread: Thread }
  | { kind: 'started'; thread: string; turn: Turn }
  | { kind: 'ended'; thread: string; turn: Turn; available?: number }
  | { kind: 'elsewhere'; thread: string }
  | { kind: 'signed-out' };
