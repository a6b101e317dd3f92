// Who belongs to an account: inviting, changing roles, limits, removing. What
// became of each is asked at the API.
import { assert, glimpse, until } from '../chat.mjs';
import { Eye } from '../eye.mjs';
import { calm } from '../theatre.mjs';

export default async function story({ theatre, cookie, user, other, shots }) {
  const eye = new Eye(theatre, shots);
  const admin = await theatre.person({ cookie, reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'] });
  const colleague = await theatre.person({ cookie: other.cookie });
  const page = await admin.tab();
  const facts = {};
  const list = async (what) => (await admin.fetch(`/api/${what}`)).body.data;
  const member = async (id) => (await list('members')).find((m) => m.user_id === id);
  const row = (id) => page.locator(`[data-testid="member"][data-id="${id}"]`);
  const choose = async (id, item) => {
    await row(id).getByRole('button', { name: /^Actions for/ }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  const dialog = page.getByRole('dialog');
  const asks = page.getByRole('alertdialog');
  const gone = (what) => what.waitFor({ state: 'detached' });
  const holds = (button, why) => until(() => button.evaluate((b) => b === document.activeElement), `the focus returns to ${why}`);

  await page.goto(`${theatre.site}/members`);
  await calm(page);

  // Somebody is invited by a link that is shown this once.
  const invite = page.getByRole('button', { name: 'Invite', exact: true });
  await invite.click();
  await dialog.waitFor();
  await eye.look(page, 'member-invite');
  await dialog.getByRole('button', { name: 'Create invitation' }).click();
  await dialog.getByText('Enter an e-mail address.').waitFor();
  assert.equal((await list('invitations')).length, 0, 'nobody is invited without an address');
  await dialog.getByLabel('E-mail').fill('Pat@Example.org');
  await dialog.getByRole('radio', { name: /^Administrator/ }).click();
  await dialog.getByRole('button', { name: 'Create invitation' }).click();
  const link = await dialog.getByTestId('invitation-link').inputValue();
  await eye.look(page, 'member-invited');
  await glimpse(page, 'Copied', () => dialog.getByRole('button', { name: 'Copy link' }).click());
  facts.copied = await page.evaluate(() => navigator.clipboard.readText()) === link;
  facts.link = link.replace(/#.*/, '#');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await gone(dialog);
  await holds(invite, 'what opened the dialog');
  facts.invited = (await list('invitations')).map(({ email, role, state }) => ({ email, role, state }));
  await page.getByTestId('invitation').getByText(/pat@example\.org/i).waitFor();
  facts.shown = (await page.locator('body').innerText()).includes(link.split('#')[1]);

  // It is withdrawn, not by mistake.
  const withdraw = page.getByTestId('invitation').getByRole('button', { name: /^Revoke the invitation/ });
  await withdraw.click();
  await asks.waitFor();
  await eye.look(page, 'member-withdraw');
  await page.keyboard.press('Escape');
  await gone(asks);
  await holds(withdraw, 'the button');
  assert.equal((await list('invitations'))[0].state, 'open', 'Escape leaves it as it was');
  await withdraw.click();
  await asks.getByRole('button', { name: 'Revoke' }).click();
  await gone(asks);
  await page.getByText('Nobody is invited at the moment.').waitFor();
  facts.withdrawn = (await list('invitations')).map(({ state }) => state);
  await page.getByRole('checkbox', { name: 'Show those that are over' }).click();
  await page.getByTestId('invitation').getByText('Revoked').filter({ visible: true }).waitFor();

  // An account keeps an administrator.
  await choose(user, 'Make member');
  await asks.getByRole('button', { name: 'Change role' }).click();
  await asks.getByRole('alert').waitFor();
  await eye.look(page, 'member-last-admin');
  facts.last = (await asks.getByRole('alert').innerText()).replace(/\s+/g, ' ');
  await asks.getByRole('button', { name: 'Cancel' }).click();
  await gone(asks);
  assert.equal((await member(user)).role, 'admin');

  // Another one may do more from now on.
  await choose(other.user, 'Make administrator');
  await asks.waitFor();
  await eye.look(page, 'member-role');
  await asks.getByRole('button', { name: 'Change role' }).click();
  await gone(asks);
  await row(other.user).getByText('Administrator').filter({ visible: true }).waitFor();
  facts.role = (await member(other.user)).role;
  facts.may = (await colleague.fetch('/api/invitations')).status;

  // What they may spend.
  await choose(other.user, 'Limits');
  await dialog.getByLabel('Credits a month').fill('12,5 credits');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.locator('[aria-invalid="true"]').first().waitFor();
  await eye.look(page, 'member-limit');
  assert.equal((await list('limits')).length, 0, 'what is no amount bounds nothing');
  await dialog.getByLabel('Credits a month').fill('12.5');
  await dialog.getByLabel('Requests a minute').fill('30');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await gone(dialog);
  await row(other.user).getByText(/of 12\.5/).waitFor();
  facts.limits = (await list('limits')).map(({ of, id, monthly, requests_per_minute: requests }) => ({ of, theirs: id === other.user, monthly, requests }));

  // Who is removed is out at once.
  facts.before = (await colleague.me()).status;
  await choose(other.user, 'Remove');
  await asks.getByText('Their API key is revoked, and programs that use it fail.').waitFor();
  await eye.look(page, 'member-remove');
  await asks.getByRole('button', { name: 'Remove' }).click();
  await gone(asks);
  await gone(row(other.user));
  facts.removed = await member(other.user) === undefined;
  facts.after = (await colleague.me()).status;
  await eye.look(page, 'member-removed');
  return { ...facts, sizes: eye.sizes };
}
