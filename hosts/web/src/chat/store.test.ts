import { describe, expect, test } from 'vitest';
import type { ChatNews } from './port';
import { ChatStore, type Tabs } from './store';
import { FakePort } from './test/fakeport';

const quiet = () => new Promise((r) => setTimeout(r, 0));

function open(port: FakePort, more: { followers?: number; tabs?: Tabs } = {}) {
  let n = 0;
  const store = new ChatStore({ port, key: () => `key-${++n}`, now: () => new Date(0), ...more });
  const news: ChatNews[] = [];
  store.hear((x) => news.push(x));
  const look = async (id: string) => {
    const t = store.thread(id);
    t.subscribe(() => undefined);
    store.show(id);
    await t.load();
    return t;
  };
  return { store, news, look };
}

const texts = (t: { get(): { path: readonly { id: string }[] }; text(id: string): string }) => t.get().path.map((m) => t.text(m.id));

describe('ChatStore', () => {
  test('C2 a question stands there at once, and its answer grows', async () => {
    const port = new FakePort();
    port.add('thr_1', 2);
    const { look, news } = open(port);
    const t = await look('thr_1');
    const asked = t.ask('why?', 'm1');
    expect(t.get().sending).toBe(true);
    expect(texts(t)).toEqual(['text 0', 'text 1', 'why?', '']);
    expect(await asked).toBe(true);
    const turn = t.get().running;
    expect(turn).toMatchObject({ state: 'running', model: 'm1' });
    let heard = 0;
    t.subscribeText(turn?.answer ?? '', () => heard++);
    port.write(turn?.id ?? '', 'because — ');
    port.write(turn?.id ?? '', 'ja');
    expect(texts(t)).toEqual(['text 0', 'text 1', 'why?', 'because — ja']);
    expect(heard).toBe(2);
    port.end(turn?.id ?? '');
    expect(t.get().running).toBeUndefined();
    expect(t.get().path.at(-1)?.turn).toMatchObject({ state: 'done', debited_microcredits: 7 });
    expect(news).toContainEqual(expect.objectContaining({ kind: 'ended', available: 100 }));
    expect(t.get().path.filter((m) => m.id.startsWith('local-'))).toEqual([]);
  });

  test('C2 a question that is asked before the conversation is loaded comes at its end', async () => {
    const port = new FakePort();
    port.add('thr_1', 2);
    const { store } = open(port);
    const t = store.thread('thr_1');
    t.subscribe(() => undefined);
    let come = (): void => undefined;
    port.gate = new Promise((r) => (come = r));
    store.show('thr_1');
    const asked = t.ask('why?', 'm1');
    await quiet();
    expect(port.calls.filter((c) => c.startsWith('start'))).toEqual([]);
    come();
    expect(await asked).toBe(true);
    expect(texts(t)).toEqual(['text 0', 'text 1', 'why?', '']);
  });

  test('a question that is asked in a conversation that is not there is asked nowhere', async () => {
    const port = new FakePort();
    const { store } = open(port);
    expect(await store.thread('thr_gone').ask('why?')).toBe(false);
    expect(port.calls.filter((c) => c.startsWith('start'))).toEqual([]);
  });

  test('C3 G5 what is refused leaves nothing but its reason', async () => {
    const port = new FakePort();
    port.add('thr_1', 2);
    const { look } = open(port);
    const t = await look('thr_1');
    port.refuse = { status: 402, code: 'credits_exhausted', message: 'No credits.', requestID: 'req_1' };
    expect(await t.ask('why?')).toBe(false);
    expect(texts(t)).toEqual(['text 0', 'text 1']);
    expect(t.get()).toMatchObject({ sending: false, refused: { text: 'why?', trouble: { code: 'credits_exhausted', requestID: 'req_1' } } });
    port.refuse = undefined;
    expect(await t.again()).toBe(true);
    expect(t.get().refused).toBeUndefined();
    expect(port.calls.filter((c) => c.startsWith('start'))).toEqual(['start key-1', 'start key-2']);
  });

  test('a question that may have arrived is asked again under the same key', async () => {
    const port = new FakePort();
    port.add('thr_1', 0);
    const { look } = open(port);
    const t = await look('thr_1');
    port.refuse = { status: 0, code: 'network', message: '' };
    await t.ask('why?');
    port.refuse = undefined;
    await t.again();
    expect(port.calls.filter((c) => c.startsWith('start'))).toEqual(['start key-1', 'start key-1']);
  });

  test('C2 editing and retrying make branches, and both can be shown', async () => {
    const port = new FakePort();
    port.add('thr_1', 4);
    const { look } = open(port);
    const t = await look('thr_1');
    await t.edit('thr_1-m2', 'other words');
    port.write(t.get().running?.id ?? '', 'new answer');
    port.end(t.get().running?.id ?? '');
    expect(texts(t)).toEqual(['text 0', 'text 1', 'other words', 'new answer']);
    const edited = t.get().path[2];
    expect(edited?.versions).toEqual(['thr_1-m2', edited?.id]);
    await t.choose('thr_1-m2');
    expect(texts(t)).toEqual(['text 0', 'text 1', 'text 2', 'text 3']);
    await t.retry('thr_1-m2');
    expect(t.get().path[2]?.id).toBe('thr_1-m2');
    expect(t.get().path[3]?.versions).toEqual(['thr_1-m3', t.get().path[3]?.id]);
  });

  test('an edited first question begins the path', async () => {
    const port = new FakePort();
    port.add('thr_1', 4);
    const { look } = open(port);
    const t = await look('thr_1');
    await t.edit('thr_1-m0', 'from the start');
    expect(texts(t)).toEqual(['from the start', '']);
    expect(t.get().earlier).toBe(false);
  });

  test('a refused edit gives the path back as it was', async () => {
    const port = new FakePort();
    port.add('thr_1', 100);
    const { look } = open(port);
    const t = await look('thr_1');
    const before = texts(t);
    expect(t.get().earlier).toBe(true);
    port.refuse = { status: 503, code: 'unavailable', message: '' };
    await t.edit('thr_1-m98', 'x');
    expect(texts(t)).toEqual(before);
    expect(t.get().earlier).toBe(true);
  });

  test('C3 a reload goes on with the answer at work', async () => {
    const port = new FakePort();
    port.add('thr_1', 0);
    const first = open(port);
    const t = await first.look('thr_1');
    await t.ask('q');
    const turn = t.get().running?.id ?? '';
    port.write(turn, 'grüß ');
    first.store.close();
    const t2 = await open(port).look('thr_1');
    expect(texts(t2)).toEqual(['q', 'grüß ']);
    port.write(turn, 'dich');
    expect(texts(t2)).toEqual(['q', 'grüß dich']);
    port.end(turn);
    expect(t2.get().running).toBeUndefined();
  });

  test('C3 switching threads loses nothing, with and without a line', async () => {
    for (const followers of [8, 1]) {
      const port = new FakePort();
      port.add('thr_1', 0);
      port.add('thr_2', 0);
      const { look, store } = open(port, { followers });
      const one = await look('thr_1');
      await one.ask('q1');
      const turn1 = one.get().running?.id ?? '';
      port.write(turn1, 'a');
      const two = await look('thr_2');
      await two.ask('q2');
      expect(one.following).toBe(followers === 8);
      expect(two.following).toBe(true);
      port.write(turn1, 'b');
      store.show('thr_1');
      await quiet();
      port.write(turn1, 'c');
      await quiet();
      expect(texts(one)).toEqual(['q1', 'abc']);
      port.end(turn1);
      expect(one.get().running).toBeUndefined();
      expect(two.get().running).toBeDefined();
    }
  });

  test('C3 a second tab hears of a turn and follows it', async () => {
    const port = new FakePort();
    port.add('thr_1', 0);
    const [a, b] = pair();
    const here = open(port, { tabs: a });
    const there = open(port, { tabs: b });
    const t = await here.look('thr_1');
    const t2 = await there.look('thr_1');
    await t.ask('q');
    const turn = t.get().running?.id ?? '';
    port.write(turn, 'one ');
    await quiet();
    await quiet();
    expect(texts(t2)).toEqual(['q', 'one ']);
    port.write(turn, 'two');
    expect(texts(t2)).toEqual(['q', 'one two']);
    port.end(turn);
    expect(t2.get().path.at(-1)?.turn?.state).toBe('done');
  });

  test('a look finds what another browser asked', async () => {
    const port = new FakePort();
    port.add('thr_1', 2);
    const { look, store } = open(port);
    const t = await look('thr_1');
    const loads = () => port.calls.filter((c) => c.startsWith('messages')).length;
    const before = loads();
    store.look();
    await quiet();
    expect(loads()).toBe(before);
    await port.start('thr_1', { key: 'k', text: 'elsewhere', parent: 'thr_1-m1' });
    store.look();
    await quiet();
    await quiet();
    expect(texts(t)).toEqual(['text 0', 'text 1', 'elsewhere', '']);
    expect(t.following).toBe(true);
  });

  test('text that a look brings is not doubled by the line', async () => {
    const port = new FakePort();
    port.add('thr_1', 0);
    const { look } = open(port);
    const t = await look('thr_1');
    await t.ask('q');
    const turn = t.get().running?.id ?? '';
    port.write(turn, 'one ');
    await t.load();
    port.write(turn, 'two ');
    const [other] = [t.get().path.at(-1)?.id ?? ''];
    await t.choose(other);
    port.write(turn, 'three');
    expect(texts(t)).toEqual(['q', 'one two three']);
  });

  test('pages go upwards and keep what is shown', async () => {
    const port = new FakePort();
    port.add('thr_1', 250);
    const { look } = open(port);
    const t = await look('thr_1');
    expect(t.get().path).toHaveLength(60);
    await t.earlier();
    expect(t.get().path).toHaveLength(160);
    await t.load();
    expect(t.get().path).toHaveLength(160);
    await t.earlier();
    expect(t.get().path).toHaveLength(250);
    expect(t.get().earlier).toBe(false);
    expect(texts(t)[0]).toBe('text 0');
  });

  test('stop ends the answer and keeps its text', async () => {
    const port = new FakePort();
    port.add('thr_1', 0);
    const { look } = open(port);
    const t = await look('thr_1');
    await t.ask('q');
    port.write(t.get().running?.id ?? '', 'half');
    await t.stop();
    expect(t.get()).toMatchObject({ running: undefined, stopping: false });
    expect(t.get().path.at(-1)).toMatchObject({ text: 'half', turn: { state: 'stopped' } });
  });

  test('a new conversation that is refused leaves no thread', async () => {
    const port = new FakePort();
    const { store } = open(port);
    port.refuse = { status: 403, code: 'boundary_unacknowledged', message: '' };
    const fresh = store.fresh(() => ({ model: 'm' }));
    expect(await fresh.ask('q', 'm')).toBe(false);
    expect(fresh.get()).toMatchObject({ path: [], refused: { text: 'q', trouble: { code: 'boundary_unacknowledged' } } });
    expect(port.threads.size).toBe(0);
    port.refuse = undefined;
    expect(await fresh.again()).toBe(true);
    const made = fresh.get().thread?.id ?? '';
    expect(store.thread(made).get().running).toBeDefined();
    expect(fresh.following).toBe(false);
    expect(texts(store.thread(made))).toEqual(['q', '']);
  });

  test('a thread that is not there says so', async () => {
    const { look } = open(new FakePort());
    const t = await look('thr_9');
    expect(t.get()).toMatchObject({ status: 'failed', trouble: { status: 404 } });
  });

  test('the cache is bounded, and what is at work stays', async () => {
    const port = new FakePort();
    port.add('thr_0', 0);
    const { store } = open(port);
    const first = store.thread('thr_0');
    store.show('thr_0');
    await first.load();
    await first.ask('q');
    for (let i = 1; i < 50; i++) {
      port.add(`thr_${i}`, 0);
      store.show(`thr_${i}`);
    }
    expect(store.thread('thr_0')).toBe(first);
    expect(store.running()).toEqual(['thr_0']);
  });
});

function pair(): [Tabs, Tabs] {
  const make = (): Tabs => ({ onmessage: null, postMessage: () => undefined, close: () => undefined });
  const [a, b] = [make(), make()];
  a.postMessage = (data) => queueMicrotask(() => b.onmessage?.({ data }));
  b.postMessage = (data) => queueMicrotask(() => a.onmessage?.({ data }));
  return [a, b];
}
