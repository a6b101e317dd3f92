// The chat as its user handles it.

import assert from 'node:assert/strict';

const patience = 30_000; // as long as the browser's own waits

/** until calls check until it returns something that counts as true, and returns that. */
export async function until(check, what, limit = patience) {
  const deadline = Date.now() + limit;
  for (let last; ;) {
    try {
      const found = await check();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

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
    await this.page.goto(`${this.theatre.site}/chat${thread && `/${thread}`}`);
    await this.box.waitFor();
  }

  /** ask asks something and waits until the question stands there. */
  async ask(text) {
    await this.box.fill(text);
    await this.send.click();
    await this.questions.filter({ hasText: text }).last().waitFor();
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

  /** version returns which of how many versions a message says it is, such as 2/3. */
  async version(message) {
    return (await message.innerText()).match(/(\d+)\s*\/\s*(\d+)/)?.slice(1).join('/');
  }

  /** credits returns the balance that is shown, as it is written. */
  async credits() {
    return (await this.balance.first().innerText()).replace(/\s+/g, ' ');
  }
}

export { assert };
