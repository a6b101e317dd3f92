import { EventReader, type StreamEvent } from './sse';
import type { Step, Trouble, Turn } from './types';

/** What a follower is told of an answer. Texts come at most once per frame. */
export interface Follower {
  text(piece: string, cursor: number): void;
  reset(text: string, cursor: number): void;
  step(step: Step): void;
  end(turn: Turn, available: number | undefined): void;
  /** The stream will not go on: the session ended, or the turn is not there. */
  lost(trouble: Trouble): void;
  /** Whether the line to the server is up. */
  connected?(up: boolean): void;
}

export interface FollowOptions {
  fetch?: typeof fetch;
  /** Runs a function at the next frame; returns how to call it off. */
  frame?: (run: () => void) => () => void;
  /** Waits before another try. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
  random?: () => number;
  /** How long a silent line is taken for alive; the server says something every 10 s. */
  silence?: number;
}

/**
 * Follows the answer of a turn from a cursor on, through lost connections, until
 * it ends. The function that it returns stops following, not the turn.
 */
export function follow(turn: string, cursor: number, to: Follower, options: FollowOptions = {}): () => void {
  const get = options.fetch ?? fetch;
  const frame = options.frame ?? nextFrame;
  const wait = options.wait ?? pause;
  const random = options.random ?? Math.random;
  const silence = options.silence ?? 25_000;
  const over = new AbortController();
  let tries = 0;
  let at = cursor;
  let waiting = '';
  let cancelFrame: (() => void) | undefined;

  const flush = () => {
    cancelFrame?.();
    cancelFrame = undefined;
    if (waiting === '') return;
    const piece = waiting;
    waiting = '';
    to.text(piece, at);
  };

  const take = (e: StreamEvent): boolean => {
    const body: unknown = JSON.parse(e.data);
    const id = e.id === '' ? at : Number(e.id);
    switch (e.event) {
      case 'text': {
        // The server repeats nothing, but a proxy that replays a piece must not double it.
        if (id <= at) return false;
        at = id;
        waiting += (body as { text: string }).text;
        cancelFrame ??= frame(() => {
          cancelFrame = undefined;
          flush();
        });
        return false;
      }
      case 'reset':
        flush();
        at = id;
        to.reset((body as { text: string }).text, at);
        return false;
      case 'step':
        flush();
        to.step(body as Step);
        return false;
      case 'end': {
        flush();
        const told = body as { turn: Turn; balance?: { available_microcredits: number } };
        to.end(told.turn, told.balance?.available_microcredits);
        return true;
      }
      case 'closed':
        flush();
        to.lost({ status: 401, code: (body as { code: string }).code, message: '' });
        return true;
      default:
        return false;
    }
  };

  /** One connection; true if there is nothing more to come. */
  const once = async (): Promise<boolean> => {
    const line = new AbortController();
    const drop = () => line.abort();
    over.signal.addEventListener('abort', drop);
    let timer = setTimeout(drop, silence);
    try {
      const answer = await get(`/api/turns/${encodeURIComponent(turn)}/stream?cursor=${at}`, {
        headers: { Accept: 'text/event-stream', 'Last-Event-ID': String(at) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: line.signal,
      });
      if (!answer.ok || !answer.body) {
        const s = answer.status;
        if (s >= 400 && s < 500 && s !== 408 && s !== 429) {
          to.lost(await troubleOf(answer));
          return true;
        }
        return false;
      }
      to.connected?.(true);
      const reader = answer.body.getReader();
      const events = new EventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return false;
        clearTimeout(timer);
        timer = setTimeout(drop, silence);
        for (const e of events.push(value)) {
          if (over.signal.aborted) return true;
          tries = 0;
          if (take(e)) {
            line.abort();
            return true;
          }
        }
      }
    } finally {
      clearTimeout(timer);
      over.signal.removeEventListener('abort', drop);
      flush();
    }
  };

  const run = async () => {
    while (!over.signal.aborted) {
      let done = false;
      try {
        done = await once();
      } catch {
        // A lost line; the next try goes on at the cursor.
      }
      if (done || over.signal.aborted) return;
      to.connected?.(false);
      const most = Math.min(10_000, 250 * 2 ** tries);
      tries++;
      await wait(most / 2 + (random() * most) / 2, over.signal);
    }
  };
  void run();
  return () => {
    cancelFrame?.();
    waiting = '';
    over.abort();
  };
}

/** The next frame, or soon where no frames are drawn because nobody looks. */
function nextFrame(run: () => void): () => void {
  if (typeof requestAnimationFrame === 'undefined' || document.hidden) {
    const t = setTimeout(run, 100);
    return () => clearTimeout(t);
  }
  const f = requestAnimationFrame(call);
  const t = setTimeout(call, 250);
  function call() {
    cancelAnimationFrame(f);
    clearTimeout(t);
    run();
  }
  return () => {
    cancelAnimationFrame(f);
    clearTimeout(t);
  };
}

/** Waits; being online again ends the wait early. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(t);
      signal.removeEventListener('abort', done);
      globalThis.removeEventListener?.('online', done);
      resolve();
    };
    const t = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    globalThis.addEventListener?.('online', done);
  });
}

async function troubleOf(answer: Response): Promise<Trouble> {
  const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (k: string) => (typeof body[k] === 'string' ? (body[k] as string) : undefined);
  return {
    status: answer.status,
    code: text('code') ?? 'failed',
    message: text('detail') ?? '',
    nextStep: text('next_step'),
    requestID: text('request_id') ?? answer.headers.get('x-request-id') ?? undefined,
  };
}
