// Many conversations: leaving one at work for another, finding, naming, keeping
// and deleting them.
import { readFile } from 'node:fs/promises';
import { Chat, assert, glimpse, until } from '../chat.mjs';

export default async function story({ theatre, cookie, ask }) {
  const person = await theatre.person({ cookie, acceptDownloads: true, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  await ask('teach', { question: 'Tell me of whales.', answer: 'Whales sing to each other over hundreds of kilometres.', script: 'gate13' });
  await ask('teach', { question: 'Tell me of bees.', answer: 'Bees dance to say where the flowers are.', script: 'gate14' });

  // Two at work at once; what comes while one is not looked at is there later.
  await chat.open();
  await chat.ask('Tell me of whales.');
  await ask('admit', { gate: 13, passes: 3 });
  await chat.says('Whales sing to');
  const whales = await chat.thread();
  await page.getByRole('link', { name: 'New chat' }).click();
  await until(async () => await chat.questions.count() === 0, 'a new chat is empty');
  await chat.ask('Tell me of bees.');
  await ask('admit', { gate: 14, passes: 2 });
  await chat.says('Bees dance');
  const bees = await chat.thread();
  assert.notEqual(whales, bees);
  await ask('admit', { gate: 13, passes: 2 });
  await item(chat, 'whales').click();
  await chat.says('Whales sing to each other');
  await chat.stop.waitFor();
  await ask('admit', { gate: 14, passes: -1 });
  await item(chat, 'bees').click();
  await chat.says('Bees dance to say where the flowers are.');
  await chat.ended();
  await ask('admit', { gate: 13, passes: -1 });
  await item(chat, 'whales').click();
  await chat.says('hundreds of kilometres.');
  await chat.ended();

  // Named, pinned.
  await menu(page, chat, 'whales', 'Rename');
  const field = page.getByRole('textbox', { name: 'Title' });
  await field.fill('Songs of the sea');
  await kept(page, 'PATCH', () => field.press('Enter'));
  await item(chat, 'Songs of the sea').waitFor();
  await kept(page, 'PATCH', () => menu(page, chat, 'bees', 'Pin'));
  await until(async () => (await chat.items.first().innerText()).includes('bees'), 'the pinned one is first');
  await page.reload();
  await until(async () => (await chat.items.first().innerText()).includes('bees'), 'it is still');
  await item(chat, 'Songs of the sea').waitFor();

  // Found by what was said, and by name.
  const search = page.getByRole('searchbox', { name: 'Search conversations' });
  await search.fill('flowers');
  await until(async () => await chat.items.count() === 1 && (await chat.items.first().innerText()).includes('bees'), 'found by a word of its answer');
  await search.fill('songs of');
  await until(async () => await chat.items.count() === 1 && (await chat.items.first().innerText()).includes('Songs'), 'found by its name');
  await search.fill('no such thing');
  await until(async () => await chat.items.count() === 0, 'nothing is found');
  await search.fill('');
  await until(async () => await chat.items.count() === 2, 'all are back');

  // Deleted, and not.
  await kept(page, 'DELETE', () => menu(page, chat, 'bees', 'Delete'));
  await until(async () => await chat.items.count() === 1, 'it is gone from the list');
  await kept(page, 'POST', () => page.getByRole('button', { name: 'Undo' }).click());
  await until(async () => await chat.items.count() === 2, 'it is back');

  // Archived.
  await kept(page, 'PATCH', () => menu(page, chat, 'bees', 'Archive'));
  await until(async () => await chat.items.count() === 1, 'it is archived');

  // Exported.
  const files = {};
  for (const [kind, name] of [['markdown', 'Export as Markdown'], ['json', 'Export as JSON']]) {
    const download = page.waitForEvent('download');
    await menu(page, chat, 'Songs of the sea', name);
    const file = await download;
    files[kind] = { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
  }
  await glimpse(page, 'ID copied', () => menu(page, chat, 'Songs of the sea', 'Copy ID'));
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  return { whales, bees, files, copied, books: await ask('settled') };
}

const item = (chat, text) => chat.items.filter({ hasText: text }).first();

/** kept does what changes a thread, and waits until the server has it: the list shows it before. */
async function kept(page, method, act) {
  const answered = page.waitForResponse((r) => r.request().method() === method && r.url().includes('/api/threads/') && r.ok());
  await Promise.all([answered, act()]);
}

/** menu picks something of a thread's menu. */
async function menu(page, chat, text, name) {
  const one = item(chat, text);
  await one.hover();
  await one.getByRole('button', { name: /^Actions for/ }).click();
  await page.getByRole('menuitem', { name, exact: true }).click();
}
