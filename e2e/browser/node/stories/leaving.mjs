// Signing out ends the session here and at the provider.
import { shown } from '../theatre.mjs';

export default async function story({ theatre, providers: [a] }) {
  const person = await theatre.person();
  const page = await person.tab();
  await person.signIn(page, a);
  const kept = await person.cookies();

  // Whoever is known at the provider comes in without a word.
  await page.goto(theatre.site);
  const silent = await theatre.person({ storageState: await person.context.storageState() });
  const other = await silent.tab();
  await silent.context.clearCookies({ domain: new URL(theatre.site).hostname });
  await other.goto(theatre.site);
  await Promise.all([other.waitForEvent('domcontentloaded'), other.getByRole('link', { name: a.name }).click()]);
  await silent.arrive(other);
  const known = (await silent.me()).status;

  await person.signOut(page);
  await page.waitForURL((url) => url.href.startsWith(a.issuer));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.href.startsWith(theatre.site));
  const after = await shown(page);
  const cookies = (await person.cookies()).map((c) => c.name);

  // The old cookie, by whoever kept it.
  const thief = await theatre.person();
  await thief.context.addCookies(kept);
  const stolen = await thief.tab();
  await stolen.goto(theatre.site);
  const old = { status: (await thief.me()).status, text: await shown(stolen) };

  // The provider asks who it is again.
  await person.start(page, a);
  const asked = await person.asked(page);
  return { known, after, cookies, old, asked };
}
