// The chat as its user handles it.

import assert from 'node:assert/strict';
import { glimpse, until } from './until.mjs';

/** Chat is the chat in one tab. */
export class Chat {
  constructor(theatre, page) {
    Object.assign(this, { theatre, page });
    this.box = page.locator('textarea[data-testid="chat-composer"], [data-testid="chat-composer"] textarea');
    this.send = page.getByTestId('chat-send');
    this.stop = page.getByTestId('chat-stop');
    this.failed = page.getByTestId('failed-card');
    this.balance = page.getByTestId('balance');
    this.items = page.getByTestId('thread-item');
    this.panel = page.getByTestId('panel');
    this.picker = page.getByTestId('model-picker');
    this.questions = page.locator('[data-testid="message"][data-role="user"]');
    this.answers = page.locator('[data-testid="message"][data-role="assistant"]');
  }

  /** open goes to a thread, or to a new one, and waits until one can type. */
  async open(thread = '') {
    await this.page.bringToFront(); // a tab behind another is drawn once a second
    await this.page.goto(`${this.theatre.site}/chat${thread && `/${thread}`}`);
    await this.box.waitFor();
  }

  /**
   * ask asks something and waits until the question stands there, which may have
   * been asked before.
   */
  async ask(text) {
    await this.page.bringToFront();
    const last = () => this.questions.evaluateAll((all) => ({ id: all.at(-1)?.dataset.id, text: all.at(-1)?.innerText ?? '' }));
    const before = await last();
    await this.box.fill(text);
    await this.send.click();
    await until(async () => {
      const now = await last();
      return now.id !== before.id && now.text.includes(text);
    }, `the question ${JSON.stringify(text)} stands there`);
  }

  /** says waits until the last answer has a text. */
  async says(text, limit) {
    await until(async () => (await this.answers.last().innerText()).includes(text), `the answer says ${JSON.stringify(text)}`, limit);
  }

  /** ended waits until nothing is at work in the thread. */
  async ended() {
    await this.stop.waitFor({ state: 'detached' });
  }

  /** thread returns the ID of the thread that is shown. */
  async thread() {
    return until(() => new URL(this.page.url()).pathname.match(/^\/chat\/(thr_\w+)$/)?.[1], 'the address names the thread');
  }

  /** isVersion waits until a message says that it is one of several versions, such as 2/3. */
  async isVersion(message, which, why = '') {
    await until(async () => (await message.innerText()).match(/(\d+)\s*\/\s*(\d+)/)?.slice(1).join('/') === which, `version ${which} ${why}`);
  }

  /** credits returns the balance that is shown, as it is written. */
  async credits() {
    return (await this.balance.first().innerText()).replace(/\s+/g, ' ');
  }
}

export { assert, glimpse, until };
