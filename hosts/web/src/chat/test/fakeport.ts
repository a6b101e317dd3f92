import type { Follower } from '../follow';
import { Problem } from '@/api/client';
import type { ChatPort } from '../port';
import type { Ask, Message, Started, Thread, Trouble, Turn } from '../types';

/**
 * A server in memory for the tests of the store: threads as trees, turns that
 * the test writes word by word, and refusals on demand.
 */
export class FakePort implements ChatPort {
  threads = new Map<string, Thread>();
  all = new Map<string, Message>();
  turns = new Map<string, Turn>();
  followers = new Map<string, { to: Follower; cursor: number; lines: number }[]>();
  refuse?: Trouble;
  calls: string[] = [];
  gate?: Promise<void>;
  private next = 1;

  add(id: string, messages: number): Thread {
    const thread: Thread = {
      id,
      title: 't',
      named: false,
      pinned: false,
      archived: false,
      messages,
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
    };
    this.threads.set(id, thread);
    let parent: string | undefined;
    for (let i = 0; i < messages; i++) {
      const m: Message = {
        id: `${id}-m${i}`,
        parent,
        role: i % 2 ? 'assistant' : 'user',
        text: `text ${i}`,
        created_at: '2026-01-01T00:00:00Z',
        versions: [],
      };
      m.versions = [m.id];
      this.all.set(m.id, m);
      parent = m.id;
    }
    thread.head = parent;
    return thread;
  }

  async thread(id: string) {
    this.calls.push(`thread ${id}`);
    const t = this.threads.get(id);
    if (!t) throw problem({ status: 404, code: 'not_found', message: 'There is no such thread.' });
    return Promise.resolve({ ...t });
  }

  async messages(id: string, q: { limit: number; before?: string }) {
    this.calls.push(`messages ${id}${q.before ? ` before ${q.before}` : ''}`);
    const path: Message[] = [];
    let at = q.before ? this.all.get(q.before)?.parent : (await this.thread(id)).head;
    for (; at !== undefined && path.length < q.limit; at = path[0]?.parent) {
      const m = this.all.get(at);
      if (!m) break;
      const turn = m.turn && this.turns.get(m.turn.id);
      path.unshift({ ...m, turn: turn && { ...turn }, versions: this.siblings(m) });
    }
    await this.gate;
    return { messages: path, earlier: path[0]?.parent !== undefined, head: this.threads.get(id)?.head };
  }

  async create() {
    return Promise.resolve({ ...this.add(`thr_new${this.next++}`, 0) });
  }

  async change(id: string, fields: Partial<Thread>) {
    const t = { ...(await this.thread(id)), ...fields };
    this.threads.set(id, t);
    return { ...t };
  }

  async remove(id: string) {
    this.calls.push(`remove ${id}`);
    this.threads.delete(id);
    return Promise.resolve();
  }

  async choose(id: string, message: string) {
    let leaf = message;
    for (;;) {
      const child = [...this.all.values()].findLast((m) => m.parent === leaf);
      if (!child) break;
      leaf = child.id;
    }
    const t = this.threads.get(id) as Thread;
    t.head = leaf;
    return Promise.resolve({ ...t });
  }

  async start(id: string, ask: Ask): Promise<Started> {
    this.calls.push(`start ${ask.key}`);
    await this.gate;
    if (this.refuse) throw this.refuse.status === 0 ? Problem.unreachable(new TypeError('network')) : problem(this.refuse);
    const n = this.next++;
    const at = `2026-01-01T00:00:${String(n).padStart(2, '0')}Z`;
    const question: Message = ask.question
      ? (this.all.get(ask.question) as Message)
      : { id: `q${n}`, parent: ask.parent, role: 'user', text: ask.text ?? '', created_at: at, versions: [] };
    this.all.set(question.id, question);
    const turn: Turn = {
      id: `turn${n}`,
      thread: id,
      question: question.id,
      answer: `a${n}`,
      model: ask.model ?? 'm',
      state: 'running',
      request_id: `req${n}`,
      started_at: at,
      sent_messages: 1,
      left_out_messages: 0,
      settled: false,
      steps: [],
    };
    const answer: Message = { id: `a${n}`, parent: question.id, role: 'assistant', text: '', created_at: at, versions: [], turn };
    this.turns.set(turn.id, turn);
    this.all.set(answer.id, answer);
    const t = this.threads.get(id) as Thread;
    Object.assign(t, { head: answer.id, running_turn: turn.id, updated_at: at, messages: t.messages + 2 });
    return {
      turn: { ...turn },
      thread: { ...t },
      question: { ...question, versions: this.siblings(question) },
      answer: { ...answer, versions: this.siblings(answer) },
    };
  }

  async stop(id: string) {
    this.end(id, 'stopped');
    return Promise.resolve({ ...(this.turns.get(id) as Turn) });
  }

  async turn(id: string) {
    return Promise.resolve({ ...(this.turns.get(id) as Turn) });
  }

  follow(id: string, cursor: number, to: Follower) {
    const lines = this.followers.get(id) ?? [];
    this.followers.set(id, lines);
    const line = { to, cursor, lines: 0 };
    lines.push(line);
    this.bring(id);
    return () => {
      lines.splice(lines.indexOf(line), 1);
    };
  }

  /** Writes words of an answer. */
  write(id: string, text: string) {
    const turn = this.turns.get(id) as Turn;
    const m = this.all.get(turn.answer) as Message;
    this.all.set(m.id, { ...m, text: m.text + text });
    this.bring(id);
  }

  end(id: string, state: Turn['state'] = 'done') {
    const turn = { ...(this.turns.get(id) as Turn), state, settled: true, debited_microcredits: 7 };
    this.turns.set(id, turn);
    const t = this.threads.get(turn.thread);
    if (t) delete t.running_turn;
    for (const line of [...(this.followers.get(id) ?? [])]) line.to.end({ ...turn }, 100);
  }

  private bring(id: string) {
    const turn = this.turns.get(id) as Turn;
    const bytes = new TextEncoder().encode(this.all.get(turn.answer)?.text ?? '');
    for (const line of [...(this.followers.get(id) ?? [])]) {
      if (bytes.length <= line.cursor) continue;
      const piece = new TextDecoder().decode(bytes.slice(line.cursor));
      line.cursor = bytes.length;
      line.to.text(piece, bytes.length);
    }
  }

  private siblings(m: Message): string[] {
    return [...this.all.values()].filter((o) => o.parent === m.parent && o.role === m.role).map((o) => o.id);
  }
}

function problem(t: Trouble): Problem {
  return new Problem({ status: t.status, code: t.code, detail: t.message, request_id: t.requestID ?? '' });
}
