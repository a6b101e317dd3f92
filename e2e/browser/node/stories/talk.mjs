// Asking, watching the answer come, asking again in other words, and going back
// and forth between what was asked and answered.
import { Chat, assert, until } from '../chat.mjs';

export default async function story({ theatre, cookie, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  await ask('teach', { question: 'How far is the moon?', answer: 'About **384,400 km** on average, which light crosses in 1.3 seconds.', script: 'gate11-in200000-out4000' });
  await ask('teach', { question: 'How far is the sun?', answer: 'About 150 million kilometres.', script: 'in22-out9' });

  await page.goto(theatre.site);
  await page.waitForURL((url) => url.pathname !== '/');
  await chat.box.waitFor();
  const facts = { landed: new URL(page.url()).pathname, before: await chat.credits() };

  const asked = await ask('requests');
  // A suggestion fills the composer and sends nothing.
  await page.getByRole('button', { name: /^Explain something/ }).click();
  facts.suggested = await until(() => chat.box.inputValue(), 'the suggestion fills the composer');
  facts.asked = await ask('requests') - asked;

  // An answer comes as it is made, and credits are held meanwhile.
  await chat.ask('How far is the moon?');
  await ask('admit', { gate: 11, passes: 2 });
  await chat.says('384,400');
  // An answer may begin before its hold is durable (HOTPATH 13, 14).
  facts.during = await until(async () => { const books = await ask('ledger'); return books.holds > 0 && books; }, 'credits are held');
  assert.ok(!(await chat.answers.last().innerText()).includes('average'), 'what the model did not say yet is not there');
  await chat.stop.waitFor();
  await ask('admit', { gate: 11, passes: -1 });
  await chat.says('1.3 seconds.');
  await chat.ended();
  facts.after = await ask('settled');
  assert.equal(await chat.answers.last().locator('strong').innerText(), '384,400 km');
  const thread = await chat.thread();
  await until(async () => (await chat.items.first().innerText()).includes('How far is the moon?'), 'the list shows the thread by its question');
  facts.balance = await until(async () => { const now = await chat.credits(); return now !== facts.before && now; }, 'the balance moves');

  // Asked again: two versions of the answer.
  const answer = chat.answers.last();
  await answer.hover();
  await answer.getByTestId('retry-answer').click();
  await chat.isVersion(chat.answers.last(), '2/2');
  await chat.ended();
  await answer.getByRole('button', { name: 'Previous version' }).click();
  await chat.isVersion(chat.answers.last(), '1/2');

  // In other words: two versions of the question.
  const question = chat.questions.last();
  await question.hover();
  await question.getByTestId('edit-question').click();
  const edit = page.locator('[data-testid="message"] textarea');
  await edit.fill('How far is the sun?');
  await edit.press('Enter');
  await chat.says('150 million');
  await chat.ended();
  await chat.isVersion(chat.questions.last(), '2/2');
  await until(async () => await chat.questions.count() === 1, 'one of the two questions is shown');
  await page.reload();
  await chat.says('150 million');
  await chat.questions.last().getByRole('button', { name: 'Previous version' }).click();
  await chat.says('384,400');
  await chat.isVersion(chat.answers.last(), '2/2', 'the newest answer to that question');
  await page.reload();
  await chat.says('384,400');

  facts.thread = thread;
  facts.end = await ask('settled');
  // What an answer cost, by its own account.
  facts.text = (await chat.answers.last().innerText()).replace(/\s+/g, ' ');
  return facts;
}
