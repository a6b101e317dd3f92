// What an account settles before it begins, and the data boundary in several
// versions. What became of it is asked at the API.
import { assert, until } from '../chat.mjs';
import { Eye } from '../eye.mjs';
import { calm, closed } from '../theatre.mjs';

export default async function story({ theatre, cookie, other, shots, ask }) {
  const eye = new Eye(theatre, shots);
  const admin = await theatre.person({ cookie, reducedMotion: 'reduce' });
  const colleague = await theatre.person({ cookie: other.cookie, reducedMotion: 'reduce' });
  const page = await admin.tab();
  const facts = {};
  const setup = async () => (await admin.fetch('/api/setup')).body;
  const reasons = async () => closed(await admin.me(), 'chat');
  const open = async (at) => {
    await at.goto(`${theatre.site}/setup`);
    await calm(at);
  };
  const acknowledge = page.getByRole('button', { name: 'Acknowledge', exact: true });
  const tick = page.getByRole('checkbox', { name: /^I have read/ });

  // Members read what administrators settle.
  const reader = await colleague.tab();
  await open(reader);
  await reader.getByText('Ask an administrator of the account to read and acknowledge it.').waitFor();
  assert.equal(await reader.getByRole('button', { name: /^(Acknowledge|Save)$/ }).count(), 0);
  await eye.look(reader, 'setup-member');
  facts.refused = (await colleague.fetch('/api/setup/acknowledgement', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"version":"v1"}' })).status;

  // Only what was read can be acknowledged, and only in the version that was read.
  await open(page);
  facts.shut = await reasons();
  await acknowledge.click();
  await page.getByText('Confirm that you have read it.').waitFor();
  await eye.look(page, 'setup-boundary');
  assert.equal((await setup()).boundary.acknowledged, false);
  await ask('version', { version: 'v2', text: '# Where data goes\n\nData stays in two houses:\n\n- the one,\n- and the other.' });
  await tick.click();
  await acknowledge.click();
  await page.getByText('There is a new version by now. Please read it again.').waitFor();
  await page.getByText('Data stays in two houses:').waitFor();
  facts.stale = (await setup()).boundary.acknowledged;
  await until(async () => !await tick.isChecked(), 'the new text was not read yet');
  await eye.look(page, 'setup-changed');
  await tick.click();
  await acknowledge.click();
  await page.getByText('Acknowledged', { exact: true }).first().waitFor();
  await until(() => page.evaluate(() => document.activeElement !== document.body), 'the focus stays on the page');
  facts.given = (({ version, acknowledged }) => ({ version, acknowledged }))((await setup()).boundary);
  await until(async () => (await reasons()).length === 0, 'chat opens');
  await eye.look(page, 'setup-acknowledged');

  // How it is used.
  const save = page.getByRole('button', { name: 'Save' });
  await save.click();
  await page.getByText('Choose one.').first().waitFor();
  await eye.look(page, 'setup-faults');
  assert.equal((await setup()).updated_at, undefined, 'nothing is saved by half');
  await page.getByLabel('Intended use').fill('Answers for our visitors, in three languages.');
  await page.getByRole('radio', { name: /^Only what matters/ }).click();
  await page.getByRole('radio', { name: /^Only what describes them/ }).click();
  await save.click();
  await page.getByText(/^Last saved/).waitFor();
  facts.saved = (({ intended_use: use, notifications, files }) => ({ use, notifications, files }))(await setup());
  await eye.look(page, 'setup-saved');

  // A new version shuts the chat until it is acknowledged, too.
  await ask('version', { version: 'v3', text: 'Data stays in three houses.' });
  await until(async () => (await reasons()).length > 0, 'chat is shut');
  facts.again = await reasons();
  await reader.evaluate(() => localStorage.setItem('archibot.language', 'de'));
  await reader.goto(`${theatre.site}/chat`);
  await reader.getByTestId('gate-card').waitFor();
  await calm(reader);
  facts.german = await reader.getByTestId('gate-card').innerText();
  await eye.look(reader, 'chat-shut-german');
  await open(page);
  await page.getByText('Data stays in three houses.').waitFor();
  await tick.click();
  await acknowledge.click();
  await until(async () => (await reasons()).length === 0, 'chat opens again');
  facts.last = (await setup()).boundary.version;
  return { ...facts, sizes: eye.sizes };
}
