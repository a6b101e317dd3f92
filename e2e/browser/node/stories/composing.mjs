// Writing a question: drafts, prompts, keys and models.
import { Chat, assert, until } from '../chat.mjs';

export default async function story({ theatre, cookie, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  await ask('teach', { question: 'What is a draft?', answer: 'A text that is not sent yet.', script: '' });
  await chat.open();
  const facts = {};

  // Enter sends, save where it ends a word of an input method; Shift+Enter is a new line.
  await chat.box.fill('日本');
  const input = await person.context.newCDPSession(page);
  await chat.box.focus();
  await input.send('Input.imeSetComposition', { text: 'ご', selectionStart: 1, selectionEnd: 1 });
  await input.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Process', code: 'Enter', windowsVirtualKeyCode: 229 });
  await input.send('Input.dispatchKeyEvent', { type: 'keyUp', key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 });
  await page.evaluate(() => { // as Safari tells it
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true }));
  });
  facts.composed = await chat.questions.count();
  await input.send('Input.insertText', { text: 'ご' });
  await chat.box.fill('one');
  await chat.box.press('Shift+Enter');
  await page.keyboard.type('two');
  facts.lines = await until(async () => { const text = await chat.box.inputValue(); return text.endsWith('two') && text; }, 'what is typed stands there');
  const height = (await chat.box.boundingBox()).height;
  await chat.box.fill('a\nb\nc\nd\ne\nf');
  facts.grew = await until(async () => (await chat.box.boundingBox()).height > height, 'the composer grows with its text');
  facts.sent = await ask('requests');

  // A draft for the next chat, and one for each thread; both outlive the page.
  await chat.box.fill('What is a draft?');
  await chat.box.press('Enter');
  await chat.says('not sent yet.');
  await chat.ended();
  const thread = await chat.thread();
  await chat.box.fill('A thought for later');
  await ask('draft', { thread, text: 'A thought for later' });
  await chat.open();
  await chat.box.fill('Another one');
  await ask('draft', { thread: 'new', text: 'Another one' });
  await page.reload();
  await until(async () => await chat.box.inputValue() === 'Another one', 'the draft of the next chat is there');
  await chat.open(thread);
  await until(async () => await chat.box.inputValue() === 'A thought for later', 'the draft of the thread is there');
  const elsewhere = await theatre.person({ cookie });
  const other = new Chat(theatre, await elsewhere.tab());
  await other.open(thread);
  await until(async () => await other.box.inputValue() === 'A thought for later', 'also in another browser');
  await chat.box.fill('');
  await ask('draft', { thread, text: '' });

  // Another model.
  await chat.open();
  facts.models = await pick(page, chat, 'atlas-mini');
  await chat.box.fill('What is a draft?');
  await chat.send.click();
  await chat.says('not sent yet.');
  await chat.ended();
  facts.model = await ask('model');

  // It is what the next conversation begins with, in another tab too, as long as there is such a model.
  const tab = new Chat(theatre, await person.tab());
  await tab.open();
  await until(async () => (await tab.picker.innerText()).includes('atlas-mini'), 'a new conversation begins with the model chosen last');
  await tab.box.fill('What is a draft?');
  await tab.send.click();
  await tab.says('not sent yet.');
  await tab.ended();
  facts.next = await ask('model');
  await tab.page.evaluate(() => {
    for (const [key, value] of Object.entries(localStorage)) if (value === 'atlas-mini') localStorage.setItem(key, 'atlas-gone');
  });
  await tab.open();
  await until(async () => (await tab.picker.innerText()).includes('atlas-large'), 'a model that is gone is not asked');
  return facts;
}

/** pick chooses a model and returns what there was to choose from. */
async function pick(page, chat, model) {
  await chat.picker.first().click();
  const option = page.getByRole('option', { name: new RegExp(model) });
  await option.waitFor();
  const all = (await page.getByRole('listbox').innerText()).replace(/\s+/g, ' ');
  await option.click();
  await until(async () => (await chat.picker.first().innerText()).includes(model), 'the model is chosen');
  assert.ok(all.includes(model));
  return all;
}
