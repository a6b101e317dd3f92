import { expect, test } from 'vitest';
import { heedPresence, marked } from './presence';

const background = (method: string, now: number) =>
  marked(new Request('http://127.0.0.1/api/me', { method }), now).headers.has('X-Archibot-Background');

test('what the page asks for while nobody is there is marked', () => {
  const page = new EventTarget();
  heedPresence(page);
  page.dispatchEvent(new Event('keydown'));
  const now = Date.now();
  expect(background('GET', now)).toBe(false);
  expect(background('GET', now + 59_000)).toBe(false);
  expect(background('GET', now + 61_000)).toBe(true);
  expect(background('POST', now + 61_000), 'a change is always somebody’s doing').toBe(false);
  page.dispatchEvent(new Event('pointerdown'));
  expect(background('GET', Date.now())).toBe(false);
});
