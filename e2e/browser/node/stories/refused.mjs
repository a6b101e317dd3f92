// What is refused says why, keeps the question, and costs nothing.
import { Chat, assert, until } from '../chat.mjs';
import { calm, closed } from '../theatre.mjs';

export default async function story({ theatre, cookie, kinds, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  const facts = {};
  const shut = async () => closed(await person.me(), 'chat').length > 0;
  const write = async (text) => {
    await chat.open();
    await calm(page); // the draft of the last one is there by now
    await chat.box.fill(text);
  };
  for (const { kind, closes } of kinds) {
    const question = `Does ${kind} cost anything?`;
    await write(question);
    await ask('prime', { kind });
    const before = await ask('settled');
    await ask('shut', { kind });
    if (kind === 'model') { // one that was there when the page was opened
      await page.route('**/turns', (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), model: 'gone' }) }));
    }
    // Whoever had the page open before may still ask; whoever opens it is told.
    const shown = { sent: false, card: '', blocked: '' };
    if (!closes) await until(() => chat.send.isEnabled(), `${kind}: one may ask`);
    if (await chat.send.isEnabled().catch(() => false)) {
      await chat.send.click();
      await chat.failed.first().waitFor();
      shown.sent = true;
      shown.code = await chat.failed.last().getAttribute('data-code');
      shown.card = (await chat.failed.last().innerText()).replace(/\s+/g, ' ');
      shown.kept = await until(async () => (await chat.box.inputValue()) === question || (await chat.questions.count()) > 0, 'the question is kept');
    }
    if (closes) {
      await until(shut, `${kind}: the server knows of it`);
      await page.reload();
      const told = page.getByTestId('gate-card');
      await told.waitFor();
      shown.blocked = (await told.innerText()).replace(/\s+/g, ' ');
      assert.ok(!await chat.send.isEnabled(), `${kind}: nothing can be sent`);
    }
    await ask('open', { kind });
    await until(async () => !await shut(), `after ${kind}: the chat is open again`);
    await page.unrouteAll();
    facts[kind] = { ...shown, before, after: await ask('settled') };
  }
  // In the end it works, and what failed can be asked again.
  await ask('teach', { question: 'Is all well?', answer: 'All is well.', script: '' });
  await until(async () => {
    await write('Is all well?');
    return chat.send.isEnabled();
  }, 'the chat is open again');
  await chat.send.click();
  await chat.says('All is well.');
  assert.equal(await chat.failed.count(), 0);
  facts.end = await ask('settled');
  return facts;
}
