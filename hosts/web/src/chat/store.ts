import { type ChatNews, type ChatPort, type NewThread, troubleOf } from './port';
import { ChatThread } from './thread';
import type { Ask, Started, Thread } from './types';

/** What one tab tells the others. */
interface Word {
  kind: 'changed';
  thread: string;
}

/** A way to the other tabs; BroadcastChannel is one. */
export interface Tabs {
  postMessage(word: Word): void;
  onmessage: ((e: { data: Word }) => void) | null;
  close(): void;
}

export interface ChatStoreDeps {
  port: ChatPort;
  tabs?: Tabs;
  key?: () => string;
  now?: () => Date;
  /** How many answers may be followed at once. */
  followers?: number;
}

const cached = 20;

/**
 * The conversations of this tab. It keeps the last ones used, lets a bounded
 * number of them hold a line to the server, and tells the other tabs what
 * changed. An answer that is not followed is not lost: the server writes it, and
 * the conversation catches up when it is looked at.
 */
export class ChatStore {
  private readonly deps: ChatStoreDeps;
  private readonly threads = new Map<string, ChatThread>();
  private readonly hearers = new Set<(n: ChatNews) => void>();
  private visible?: string;

  constructor(deps: ChatStoreDeps) {
    this.deps = deps;
    if (deps.tabs) deps.tabs.onmessage = (e) => this.heard(e.data);
  }

  /** The conversation, loading it if it is new here. */
  thread(id: string): ChatThread {
    const known = this.threads.get(id);
    if (known) {
      this.threads.delete(id);
      this.threads.set(id, known);
      return known;
    }
    return this.add(new ChatThread(id, this.threadDeps()));
  }

  /** The conversation that is shown now; none where it is a new one. */
  show(id: string | undefined) {
    this.visible = id;
    if (id !== undefined) void this.thread(id).check();
    this.share();
  }

  hear(hearer: (n: ChatNews) => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /**
   * A conversation that is not there yet. Its first question makes it; where that
   * one is refused nothing stays. What it became is the `thread` of its snapshot.
   */
  fresh(fields: () => NewThread): ChatThread {
    const port = Object.create(this.deps.port) as ChatPort;
    port.start = (_, ask) => this.begin(ask, fields());
    const news = (n: ChatNews) => n.kind === 'signed-out' && this.news(n);
    return new ChatThread('new', { ...this.threadDeps(), port, news }, { ready: true });
  }

  private async begin(ask: Ask, fields: NewThread): Promise<Started> {
    const { id } = await this.deps.port.create(fields);
    try {
      const started = await this.deps.port.start(id, ask);
      this.add(new ChatThread(id, this.threadDeps(), { started }));
      return started;
    } catch (e) {
      // Where the network failed the turn may be at work, and is seen in the list.
      if (troubleOf(e).status !== 0) void this.deps.port.remove(id).catch(() => undefined);
      throw e;
    }
  }

  /** Tells all who show it that a thread changed, or went. */
  changed(id: string) {
    this.deps.tabs?.postMessage({ kind: 'changed', thread: id });
  }

  /** Takes in a thread that was changed by its list. */
  known(thread: Thread) {
    this.threads.get(thread.id)?.saw(thread);
    this.changed(thread.id);
  }

  forget(id: string) {
    this.threads.get(id)?.close();
    this.threads.delete(id);
    this.changed(id);
  }

  /** Looks what happened elsewhere; called when the tab is looked at, and now and then. */
  look() {
    if (this.visible !== undefined) void this.threads.get(this.visible)?.check();
    this.share();
  }

  /** Lets go of all lines, as when nobody looks at the tab. */
  rest() {
    for (const t of this.threads.values()) t.allow(false);
  }

  close() {
    for (const t of this.threads.values()) t.close();
    this.threads.clear();
    this.deps.tabs?.close();
  }

  /** The IDs of conversations of this tab that are being answered. */
  running(): string[] {
    return [...this.threads.values()].filter((t) => t.get().running !== undefined).map((t) => t.id);
  }

  private add(t: ChatThread): ChatThread {
    this.threads.set(t.id, t);
    for (const [id, old] of this.threads) {
      if (this.threads.size <= cached) break;
      if (id === t.id || id === this.visible || old.watched || old.get().running || old.get().sending) continue;
      old.close();
      this.threads.delete(id);
    }
    this.share();
    return t;
  }

  /** Gives the lines to the conversation that is shown and to those used last. */
  private share() {
    let left = this.deps.followers ?? 8;
    const byUse = [...this.threads.values()].reverse();
    const visible = this.visible === undefined ? undefined : this.threads.get(this.visible);
    const order = visible ? [visible, ...byUse.filter((t) => t !== visible)] : byUse;
    for (const t of order) {
      const may = left > 0 && (t === visible || t.get().running !== undefined || t.get().sending);
      if (may && t.get().running !== undefined) left--;
      t.allow(may);
    }
  }

  private threadDeps() {
    return {
      port: this.deps.port,
      news: (n: ChatNews) => this.news(n),
      key: () => this.key(),
      now: this.deps.now ?? (() => new Date()),
    };
  }

  private news(n: ChatNews) {
    for (const h of this.hearers) h(n);
    if (n.kind === 'started' || n.kind === 'ended') {
      this.deps.tabs?.postMessage({ kind: 'changed', thread: n.thread });
      this.share();
    }
  }

  private heard(word: Word) {
    const t = this.threads.get(word.thread);
    if (t && !t.following) void t.check();
    for (const h of this.hearers) h({ kind: 'elsewhere', thread: word.thread });
  }

  private key(): string {
    return (this.deps.key ?? newKey)();
  }
}

/** A name of a turn that this browser makes, so that asking twice is asking once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
