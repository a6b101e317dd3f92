// What stands beside a conversation: saved prompts, instructions, and how an
// answer came about.
import { Chat, glimpse, until } from '../chat.mjs';

export default async function story({ theatre, cookie, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  const question = 'Name three uses of a saved prompt.';
  await ask('teach', { question, answer: 'To begin, to go on, to end.', script: '' });
  await chat.open();
  const facts = {};

  // A prompt is written down once, brought up by a slash, and fills the composer.
  await chat.box.fill('/');
  await page.getByRole('option', { name: 'Manage saved prompts' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'New prompt' }).click();
  await page.getByLabel('Title').fill('password: hunter2hunter2');
  await page.getByLabel('Text', { exact: true }).fill(question);
  await page.getByRole('button', { name: 'Save' }).click();
  facts.refused = await page.getByRole('dialog').getByRole('alert').innerText();
  await page.getByLabel('Title').fill('Three uses');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText('Three uses', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await chat.box.fill('/thr');
  await page.getByRole('option', { name: /Three uses/ }).waitFor();
  await chat.box.press('Enter');
  await until(async () => await chat.box.inputValue() === question, 'the prompt fills the composer');
  facts.before = await ask('requests'); // and asks nobody anything
  await chat.box.press('Enter');
  await chat.says('to end.');
  await chat.ended();

  // What the model is told before the first message.
  await page.getByRole('button', { name: 'Context & tools' }).click();
  await chat.panel.getByLabel('Instructions').fill('Answer in one line.');
  await glimpse(page, 'Saved', () => chat.panel.getByRole('button', { name: 'Save' }).click());
  await chat.ask(question);
  await until(async () => await chat.answers.count() === 2, 'there is a second answer');
  await chat.ended();
  facts.sent = await until(async () => { // of the second question, not of the first
    const said = await chat.panel.getByText(/The model was sent/).innerText();
    return !/ 1 message\b/.test(said) && said;
  }, 'the panel says what the model was sent');
  await chat.panel.getByRole('tab', { name: 'Files' }).click();
  const files = chat.panel.getByRole('tabpanel', { name: 'Files' });
  await until(async () => (await files.innerText()).length > 40, 'there are no files yet, and why');

  // Every step with its time.
  await chat.panel.getByRole('tab', { name: 'Trace' }).click();
  const steps = chat.panel.locator('[data-step]');
  await until(async () => await steps.count() >= 6, 'every step is there');
  facts.steps = await steps.evaluateAll((all) => all.map((s) => s.dataset.step));
  facts.trace = (await chat.panel.innerText()).replace(/\s+/g, ' ');

  // What is not needed any more goes.
  await chat.box.fill('/');
  await page.getByRole('option', { name: 'Manage saved prompts' }).click();
  await page.getByRole('button', { name: 'Delete “Three uses”' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete prompt' }).click();
  await page.getByText('No saved prompts').waitFor();
  facts.thread = await chat.thread();
  return facts;
}
