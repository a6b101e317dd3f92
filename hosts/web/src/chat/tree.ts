import type { Ask, Message, Page, Started } from './types';

/** What the IDs of messages begin with that the server has not taken yet. */
export const localPrefix = 'local-';

/**
 * The messages of a thread that are loaded, and which of them are shown: one
 * path from a root to the thread's head, of which the newest part is known.
 */
export class Tree {
  earlier = false;
  private messages = new Map<string, Message>();
  private ids: string[] = [];
  private shown?: readonly Message[];

  get(id: string): Message | undefined {
    return this.messages.get(id);
  }

  last(): Message | undefined {
    const id = this.ids.at(-1);
    return id === undefined ? undefined : this.messages.get(id);
  }

  path(): readonly Message[] {
    this.shown ??= this.ids.map((id) => this.messages.get(id)).filter((m) => m !== undefined);
    return this.shown;
  }

  put(m: Message) {
    this.messages.set(m.id, m);
    this.shown = undefined;
  }

  /**
   * Takes the newest page of the shown path. What was loaded before it stays
   * where the two meet, and so does the text of `live`, which is being followed.
   */
  newest(page: Page, live?: string) {
    for (const m of page.messages) {
      const was = this.messages.get(m.id);
      // The follower goes on at the end of the text that it brought, so that one stays.
      this.messages.set(m.id, was && m.id === live ? { ...m, text: was.text } : m);
    }
    const ids = page.messages.map((m) => m.id);
    const first = ids[0];
    const meet = first === undefined ? -1 : this.ids.indexOf(first);
    if (meet > 0 && page.earlier) this.ids = [...this.ids.slice(0, meet), ...ids];
    else {
      this.ids = ids;
      this.earlier = page.earlier;
    }
    this.shown = undefined;
    this.forget();
  }

  /** Takes the page before the first message that is loaded. */
  before(page: Page) {
    const here = new Set(this.ids);
    const add = page.messages.filter((m) => !here.has(m.id));
    for (const m of add) this.messages.set(m.id, m);
    this.ids = [...add.map((m) => m.id), ...this.ids];
    this.earlier = page.earlier && add.length > 0;
    this.shown = undefined;
  }

  /** Takes the question and the answer of a turn that began, as the end of the path. */
  started(s: Started) {
    this.cut(s.question.parent);
    for (const m of [s.question, s.answer]) {
      this.messages.set(m.id, m);
      for (const v of m.versions) {
        const sibling = this.messages.get(v);
        if (sibling && sibling.versions !== m.versions) this.messages.set(v, { ...sibling, versions: m.versions });
      }
    }
    this.ids = [...this.ids, s.question.id, s.answer.id];
    this.shown = undefined;
  }

  /**
   * Shows what a turn is expected to bring before the server says so. The
   * function that it returns takes that back.
   */
  expect(ask: Ask, text: string, at: string): () => void {
    const { ids, earlier } = this;
    const answered = ask.question === undefined ? undefined : this.messages.get(ask.question);
    const question: Message = answered ?? {
      id: `${localPrefix}${ask.key}-q`,
      parent: ask.parent,
      role: 'user',
      text,
      created_at: at,
      versions: [],
    };
    const answer: Message = {
      id: `${localPrefix}${ask.key}-a`,
      parent: question.id,
      role: 'assistant',
      text: '',
      created_at: at,
      versions: [],
    };
    this.cut(question.parent);
    this.messages.set(question.id, question);
    this.messages.set(answer.id, answer);
    this.ids = [...this.ids, question.id, answer.id];
    this.shown = undefined;
    return () => {
      if (!answered) this.messages.delete(question.id);
      this.messages.delete(answer.id);
      this.ids = ids;
      this.earlier = earlier;
      this.shown = undefined;
    };
  }

  /** Ends the path at a message; without one, before the first. */
  private cut(parent: string | undefined) {
    if (parent === undefined || parent === '') {
      this.ids = [];
      this.earlier = false;
      return;
    }
    const i = this.ids.indexOf(parent);
    this.ids = this.ids.slice(0, i + 1);
    if (i < 0) this.earlier = true;
  }

  /** Messages of paths that are not shown are loaded anew when they are. */
  private forget() {
    const keep = new Set(this.ids);
    for (const id of this.messages.keys()) if (!keep.has(id)) this.messages.delete(id);
  }
}
