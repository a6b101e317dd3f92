import type { ChatNews, ChatPort } from './port';
import { troubleOf } from './port';
import { Tree } from './tree';
import type { Ask, Message, Started, Thread, Trouble, Turn } from './types';

/** A question that the server did not take, to show and to ask again. */
export interface Refused {
  text: string;
  ask: Ask;
  trouble: Trouble;
}

/** What is known of a conversation. A snapshot never changes; a new one replaces it. */
export interface Conversation {
  id: string;
  status: 'loading' | 'ready' | 'failed';
  trouble?: Trouble;
  thread?: Thread;
  /** The shown path as far as it is loaded, oldest first. */
  path: readonly Message[];
  /** Whether there are messages before the path's first. */
  earlier: boolean;
  loadingEarlier: boolean;
  /** The turn at work. */
  running?: Turn;
  /** A question on its way to the server. */
  sending: boolean;
  stopping: boolean;
  /** Whether the line that brings the answer is up. */
  connected: boolean;
  refused?: Refused;
}

export interface ConversationDeps {
  port: ChatPort;
  news: (n: ChatNews) => void;
  key: () => string;
  now: () => Date;
}

const pageSize = 60;
const encoder = new TextEncoder();

/**
 * One conversation as the browser knows it: the messages loaded, the path that
 * is shown, and the turn at work. It keeps true that what is shown is what the
 * server has, or will have: a question stands there at once, and goes again if
 * the server refuses it.
 */
export class ChatThread {
  readonly id: string;
  private readonly deps: ConversationDeps;
  private readonly tree = new Tree();
  private now: Conversation;
  private readonly listeners = new Set<() => void>();
  private readonly texts = new Map<string, Set<() => void>>();
  private cursor = 0;
  private unfollow?: () => void;
  private mayFollow = false;
  private loading?: Promise<void>;
  /** Counts what changes the path, so that an answer to an older request is dropped. */
  private epoch = 0;

  constructor(id: string, deps: ConversationDeps, from: { started?: Started; ready?: boolean } = {}) {
    this.id = id;
    this.deps = deps;
    this.now = {
      id,
      status: from.ready ? 'ready' : 'loading',
      path: [],
      earlier: false,
      loadingEarlier: false,
      sending: false,
      stopping: false,
      connected: true,
    };
    if (from.started) this.begun(from.started);
  }

  readonly get = (): Conversation => this.now;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The text of a message, which grows while it is written. */
  text(id: string): string {
    return this.tree.get(id)?.text ?? '';
  }

  message(id: string): Message | undefined {
    return this.tree.get(id);
  }

  subscribeText(id: string, listener: () => void): () => void {
    const set = this.texts.get(id) ?? new Set();
    this.texts.set(id, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) this.texts.delete(id);
    };
  }

  /** Whether anybody looks at it. */
  get watched(): boolean {
    return this.listeners.size > 0;
  }

  get following(): boolean {
    return this.unfollow !== undefined;
  }

  /** Loads it, or has a look at what is new; joins a look at work. */
  load(): Promise<void> {
    this.loading ??= this.refresh().finally(() => {
      this.loading = undefined;
    });
    return this.loading;
  }

  private async refresh(): Promise<void> {
    if (this.now.sending) return;
    const epoch = this.epoch;
    try {
      const [thread, page] = await Promise.all([this.deps.port.thread(this.id), this.deps.port.messages(this.id, { limit: pageSize })]);
      const running = await this.runningOf(page.messages, thread);
      if (epoch !== this.epoch) return;
      const was = this.now.running;
      this.tree.newest(page, was && this.following ? was.answer : undefined);
      this.set({ status: 'ready', trouble: undefined, thread, running });
      const over = was && !running ? this.tree.get(was.answer)?.turn : undefined;
      if (over) this.ended(over, undefined);
      this.pursue();
    } catch (e) {
      const trouble = troubleOf(e);
      const gone = trouble.status === 404 || trouble.status === 401;
      if (gone || this.now.status !== 'ready') this.set({ status: 'failed', trouble });
    }
  }

  /** Asks cheaply whether something changed elsewhere, and loads it if so. */
  async check(): Promise<void> {
    if (this.now.status !== 'ready') return this.load();
    if (this.following || this.now.sending) return;
    const epoch = this.epoch;
    try {
      const thread = await this.deps.port.thread(this.id);
      if (epoch !== this.epoch) return;
      const was = this.now.thread;
      this.saw(thread);
      const same =
        was &&
        was.updated_at === thread.updated_at &&
        was.head === thread.head &&
        was.running_turn === thread.running_turn &&
        was.messages === thread.messages;
      if (!same || (this.now.running && !thread.running_turn)) await this.load();
    } catch (e) {
      const trouble = troubleOf(e);
      if (trouble.status === 404) this.set({ status: 'failed', trouble });
    }
  }

  /** Loads a page of what came before. */
  async earlier(): Promise<void> {
    const first = this.now.path[0];
    if (!first || !this.now.earlier || this.now.loadingEarlier) return;
    const epoch = this.epoch;
    this.set({ loadingEarlier: true });
    try {
      const page = await this.deps.port.messages(this.id, { limit: 100, before: first.id });
      if (epoch === this.epoch && this.now.path[0]?.id === first.id) this.tree.before(page);
    } catch {
      // Scrolling up again tries again.
    }
    this.set({ loadingEarlier: false });
  }

  /** Asks a new question at the end of what is shown. */
  async ask(text: string, model?: string): Promise<boolean> {
    // The end is known once it is loaded: without one it would begin anew, beside what was said.
    if (this.now.status !== 'ready') await this.load();
    if (this.now.status !== 'ready') return false;
    return this.start({ key: this.deps.key(), text, model, parent: this.tree.last()?.id }, text);
  }

  /** Asks a question in other words; both stay as branches. */
  edit(question: string, text: string, model?: string): Promise<boolean> {
    return this.start({ key: this.deps.key(), text, model, parent: this.tree.get(question)?.parent }, text);
  }

  /** Answers a question again; both answers stay as branches. */
  retry(question: string, model?: string): Promise<boolean> {
    return this.start({ key: this.deps.key(), question, model }, this.text(question));
  }

  /** Sends a refused question again. */
  again(model?: string): Promise<boolean> {
    const r = this.now.refused;
    if (!r) return Promise.resolve(false);
    // Only where nobody knows whether the server had it does the key stay.
    const key = r.trouble.status === 0 ? r.ask.key : this.deps.key();
    return this.start({ ...r.ask, key, model: model ?? r.ask.model }, r.text);
  }

  dismiss() {
    if (this.now.refused) this.set({ refused: undefined });
  }

  private async start(ask: Ask, text: string): Promise<boolean> {
    if (this.now.sending || this.now.running) return false;
    this.epoch++;
    const undo = this.tree.expect(ask, text, this.deps.now().toISOString());
    this.set({ sending: true, refused: undefined });
    try {
      const started = await this.deps.port.start(this.id, ask);
      this.epoch++;
      undo();
      this.begun(started);
      return true;
    } catch (e) {
      this.epoch++;
      undo();
      const trouble = troubleOf(e);
      this.set({ sending: false, refused: { ask, text, trouble } });
      if (trouble.status === 401) this.deps.news({ kind: 'signed-out' });
      if (trouble.status === 409) void this.load();
      return false;
    }
  }

  private begun(s: Started) {
    this.tree.started(s);
    const answer = { ...s.answer, turn: s.turn };
    this.tree.put(answer);
    const running = s.turn.state === 'running' ? s.turn : undefined;
    this.set({ status: 'ready', sending: false, refused: undefined, thread: s.thread, running });
    this.deps.news({ kind: 'started', thread: this.id, turn: s.turn });
    this.deps.news({ kind: 'thread', thread: s.thread });
    this.pursue();
  }

  /** Shows the path through another version of a message. */
  async choose(message: string): Promise<Trouble | undefined> {
    this.epoch++;
    const epoch = this.epoch;
    try {
      const thread = await this.deps.port.choose(this.id, message);
      const page = await this.deps.port.messages(this.id, { limit: Math.max(pageSize, Math.min(100, this.now.path.length)) });
      if (epoch !== this.epoch) return undefined;
      // The answer at work goes on; where it is on the new path its text is the page's.
      this.leave();
      this.tree.newest(page);
      this.set({ thread, running: (await this.runningOf(page.messages)) ?? this.now.running });
      this.deps.news({ kind: 'thread', thread });
      this.pursue();
      return undefined;
    } catch (e) {
      return troubleOf(e);
    }
  }

  /** Stops the turn at work. */
  async stop(): Promise<Trouble | undefined> {
    const turn = this.now.running;
    if (!turn || this.now.stopping) return undefined;
    this.set({ stopping: true });
    try {
      const told = await this.deps.port.stop(turn.id);
      if (told.state !== 'running' && !this.following) this.ended(told, undefined);
      return undefined;
    } catch (e) {
      this.set({ stopping: false });
      return troubleOf(e);
    }
  }

  async change(fields: { model?: string; instructions?: string; title?: string }): Promise<Trouble | undefined> {
    try {
      this.saw(await this.deps.port.change(this.id, fields));
      return undefined;
    } catch (e) {
      return troubleOf(e);
    }
  }

  /** Takes in the thread as the server told it elsewhere. */
  saw(thread: Thread) {
    this.set({ thread });
    this.deps.news({ kind: 'thread', thread });
  }

  /** Whether it may hold a line to the server; without one it catches up later. */
  allow(may: boolean) {
    this.mayFollow = may;
    if (may) this.pursue();
    else this.leave();
  }

  private pursue() {
    const turn = this.now.running;
    if (!turn) return this.leave();
    if (!this.mayFollow || this.unfollow) return;
    this.cursor = encoder.encode(this.text(turn.answer)).length;
    this.unfollow = this.deps.port.follow(turn.id, this.cursor, {
      text: (piece, cursor) => {
        this.cursor = cursor;
        this.write(turn.answer, this.text(turn.answer) + piece);
      },
      reset: (text, cursor) => {
        this.cursor = cursor;
        this.write(turn.answer, text);
      },
      step: (step) => this.step(turn, step),
      end: (ended, available) => this.ended(ended, available),
      lost: (trouble) => {
        this.leave();
        if (trouble.status === 401) this.deps.news({ kind: 'signed-out' });
        else void this.load();
      },
      connected: (connected) => {
        if (connected !== this.now.connected) this.set({ connected });
      },
    });
  }

  private leave() {
    this.unfollow?.();
    this.unfollow = undefined;
    if (!this.now.connected) this.set({ connected: true });
  }

  private step(turn: Turn, step: Turn['steps'][number]) {
    const m = this.tree.get(turn.answer);
    const was = m?.turn ?? turn;
    if (was.steps.some((s) => s.name === step.name && s.at_ms === step.at_ms)) return;
    const now = { ...was, steps: [...was.steps, step] };
    if (m) this.tree.put({ ...m, turn: now });
    this.set({ running: now });
  }

  private ended(turn: Turn, available: number | undefined) {
    this.unfollow = undefined;
    const m = this.tree.get(turn.answer);
    if (m) this.tree.put({ ...m, turn });
    const thread = this.now.thread && { ...this.now.thread, running_turn: undefined };
    this.set({ running: undefined, stopping: false, connected: true, thread });
    if (thread) this.deps.news({ kind: 'thread', thread });
    this.deps.news({ kind: 'ended', thread: this.id, turn, available });
    void this.settle(turn, 0);
  }

  /** What a turn cost may be known only a moment after its end. */
  private async settle(turn: Turn, tries: number): Promise<void> {
    if (turn.settled || tries > 4) return;
    await new Promise((r) => setTimeout(r, 1500 * 2 ** tries));
    const told = await this.deps.port.turn(turn.id).catch(() => turn);
    const m = this.tree.get(turn.answer);
    if (told.settled && m) {
      this.tree.put({ ...m, turn: told });
      this.set({});
      this.deps.news({ kind: 'ended', thread: this.id, turn: told });
    }
    return this.settle(told, tries + 1);
  }

  /** Lets go of all it holds. */
  close() {
    this.epoch++;
    this.leave();
  }

  private write(id: string, text: string) {
    const m = this.tree.get(id);
    if (!m) return;
    // The text changes in place: who shows it hears of it by itself, and nobody
    // else has to be drawn again.
    m.text = text;
    for (const l of this.texts.get(id) ?? []) l();
  }

  /** The turn at work, which may be on a path that is not shown. */
  private async runningOf(messages: readonly Message[], thread?: Thread): Promise<Turn | undefined> {
    const shown = messages.findLast((m) => m.turn?.state === 'running')?.turn;
    if (shown || !thread?.running_turn) return shown;
    const told = await this.deps.port.turn(thread.running_turn);
    return told.state === 'running' ? told : undefined;
  }

  private set(change: Partial<Conversation>) {
    const path = this.tree.path();
    this.now = { ...this.now, ...change, path, earlier: this.tree.earlier };
    for (const l of this.listeners) l();
  }
}
