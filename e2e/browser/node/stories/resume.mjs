// A running answer goes on without its browser, and whoever looks sees it: after
// a reload, in a second tab, in another browser.
import { Chat, assert, until } from '../chat.mjs';

const words = Array.from({ length: 12 }, (_, i) => `word${i}`);

export default async function story({ theatre, cookie, again, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  await ask('teach', { question: 'Count slowly.', answer: words.join(' '), script: 'gate12' });
  await chat.open();
  await chat.ask('Count slowly.');
  await ask('admit', { gate: 12, passes: 3 });
  await chat.says('word2');
  const thread = await chat.thread();

  await page.reload();
  await chat.says('word0 word1 word2');
  await chat.stop.waitFor(); // it can be stopped
  const second = new Chat(theatre, await person.tab());
  await second.open(thread);
  await second.says('word2');
  const elsewhere = await theatre.person({ cookie: again });
  const other = new Chat(theatre, await elsewhere.tab());
  await other.open(thread);
  await other.says('word2');

  await ask('admit', { gate: 12, passes: 2 });
  for (const one of [chat, second, other]) await one.says('word4');
  await page.goto('about:blank'); // nobody is needed
  await ask('admit', { gate: 12, passes: -1 });
  for (const one of [second, other]) {
    await one.says(words.join(' '));
    await one.ended();
  }
  await chat.open(thread);
  await chat.says(words.join(' '));
  const whole = await ask('settled');

  // What is asked in one tab shows in the others, and stops from any of them.
  await ask('admit', { gate: 12, passes: 0 });
  await chat.ask('Count slowly.');
  await ask('admit', { gate: 12, passes: 4 });
  for (const one of [chat, second, other]) {
    await until(async () => await one.answers.count() === 2, 'the second question shows');
    await one.says('word3');
  }
  await page.reload();
  await chat.says('word3');
  await chat.stop.click();
  for (const one of [chat, second, other]) await one.ended();
  await ask('admit', { gate: 12, passes: -1 });
  const stopped = await ask('settled');
  await page.reload();
  await chat.says('word3');
  assert.ok(!(await chat.answers.last().innerText()).includes('word5'), 'nothing came after it was stopped');
  return { whole, stopped, text: (await chat.answers.last().innerText()).replace(/\s+/g, ' ') };
}
