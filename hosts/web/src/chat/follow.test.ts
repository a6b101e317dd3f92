import { describe, expect, test } from 'vitest';
import { follow, type FollowOptions } from './follow';
import type { Step, Trouble, Turn } from './types';

const turn = (state: Turn['state']): Turn => ({
  id: 'turn_1',
  thread: 'thr_1',
  question: 'msg_1',
  answer: 'msg_2',
  model: 'm',
  state,
  request_id: 'req_1',
  started_at: '2026-01-01T00:00:00Z',
  sent_messages: 1,
  left_out_messages: 0,
  settled: true,
  steps: [],
});
const event = (name: string, data: unknown, id?: number) =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

type Line = Response | Error | string[];

/** Serves one line per connection, and tells what happened once it is over. */
async function run(lines: Line[], from = 0, options: FollowOptions = {}) {
  const seen = { text: '', pieces: 0, cursor: from, resets: 0, steps: [] as Step[], waits: [] as number[], asked: [] as string[] };
  let ended: { turn: Turn; available?: number } | undefined;
  let lost: Trouble | undefined;
  await new Promise<void>((resolve) => {
    follow(
      'turn_1',
      from,
      {
        text: (piece, cursor) => {
          seen.text += piece;
          seen.pieces++;
          seen.cursor = cursor;
        },
        reset: (text, cursor) => {
          seen.text = text;
          seen.resets++;
          seen.cursor = cursor;
        },
        step: (s) => seen.steps.push(s),
        end: (t, available) => {
          ended = { turn: t, available };
          resolve();
        },
        lost: (t) => {
          lost = t;
          resolve();
        },
      },
      {
        fetch: (url, init) => {
          const h = new Headers(init?.headers);
          seen.asked.push(`${String(url)} ${h.get('Last-Event-ID')}`);
          const line = lines.shift();
          if (line === undefined) return Promise.reject(new Error('no more lines'));
          if (line instanceof Error) return Promise.reject(line);
          if (line instanceof Response) return Promise.resolve(line);
          return Promise.resolve(
            new Response(
              new ReadableStream({
                start(c) {
                  for (const s of line) c.enqueue(new TextEncoder().encode(s));
                  c.close();
                },
              }),
            ),
          );
        },
        frame: (f) => {
          const t = setTimeout(f, 0);
          return () => clearTimeout(t);
        },
        wait: (ms) => {
          seen.waits.push(ms);
          return Promise.resolve();
        },
        random: () => 1,
        ...options,
      },
    );
  });
  return { ...seen, ended, lost };
}

describe('follow', () => {
  test('tells the text, the steps and the end', async () => {
    const got = await run([
      [
        event('text', { text: 'Grü' }, 4),
        event('step', { name: 'first_text', at_ms: 7 }),
        ': beat\n\n',
        event('text', { text: 'ße' }, 7),
        event('end', { turn: turn('done'), balance: { available_microcredits: 42 } }, 7),
      ],
    ]);
    expect(got).toMatchObject({ text: 'Grüße', cursor: 7, steps: [{ name: 'first_text', at_ms: 7 }], waits: [] });
    expect(got.ended).toEqual({ turn: turn('done'), available: 42 });
  });

  test('goes on at the cursor when the line is lost', async () => {
    const got = await run([
      [event('text', { text: 'one ' }, 4)],
      new Error('network'),
      new Response('', { status: 503 }),
      [event('text', { text: 'one ' }, 4), event('text', { text: 'two' }, 7), event('end', { turn: turn('done') }, 7)],
    ]);
    expect(got.text).toBe('one two');
    expect(got.asked).toEqual([
      '/api/turns/turn_1/stream?cursor=0 0',
      '/api/turns/turn_1/stream?cursor=4 4',
      '/api/turns/turn_1/stream?cursor=4 4',
      '/api/turns/turn_1/stream?cursor=4 4',
    ]);
    expect(got.waits).toEqual([250, 500, 1000]);
  });

  test('a reset replaces what was there', async () => {
    const got = await run([[event('reset', { text: 'all' }, 3), event('end', { turn: turn('stopped') }, 3)]], 9);
    expect(got).toMatchObject({ text: 'all', cursor: 3, resets: 1 });
  });

  test('pieces between two frames are told as one', async () => {
    const many = Array.from({ length: 500 }, (_, i) => event('text', { text: 'x' }, i + 1)).join('');
    const got = await run([[many, event('end', { turn: turn('done') }, 500)]]);
    expect(got.text).toHaveLength(500);
    expect(got.pieces).toBe(1);
  });

  test('a refusal ends it without another try', async () => {
    const body = { code: 'not_found', detail: 'There is no such turn.', request_id: 'req_9' };
    const got = await run([new Response(JSON.stringify(body), { status: 404 })]);
    expect(got.lost).toEqual({ status: 404, code: 'not_found', message: 'There is no such turn.', nextStep: undefined, requestID: 'req_9' });
    expect(got.asked).toHaveLength(1);
  });

  test('the end of the session ends it', async () => {
    const got = await run([[event('text', { text: 'a' }, 1), event('closed', { code: 'not_signed_in' })]]);
    expect(got).toMatchObject({ text: 'a', lost: { status: 401, code: 'not_signed_in' } });
  });

  test('too many requests are asked again later', async () => {
    const got = await run([new Response('', { status: 429 }), [event('end', { turn: turn('done') }, 0)]]);
    expect(got.ended?.turn.state).toBe('done');
  });

  test('a silent line is left for another', async () => {
    const silent = new Response(new ReadableStream({}));
    let aborted = 0;
    const lines: Response[] = [silent, new Response(event('end', { turn: turn('done') }, 0))];
    const got = await run([], 0, {
      silence: 5,
      fetch: (_, init) => {
        const line = lines.shift() as Response;
        const body = line.body as ReadableStream<Uint8Array>;
        return Promise.resolve(
          new Response(
            new ReadableStream({
              async start(c) {
                init?.signal?.addEventListener('abort', () => {
                  aborted++;
                  try {
                    c.error(new Error('aborted'));
                  } catch {
                    /* it had ended */
                  }
                });
                if (line === silent) return;
                const r = await body.getReader().read();
                if (r.value) c.enqueue(r.value);
              },
            }),
          ),
        );
      },
    });
    expect(got.ended?.turn.state).toBe('done');
    expect(aborted).toBeGreaterThan(0);
  });
});
