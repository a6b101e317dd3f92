// What ends at the provider ends here, for that person alone.
import { shown } from '../theatre.mjs';
import { until } from '../until.mjs';

export default async function story({ theatre, providers: [a, b], ask }) {
  const enter = async (provider, user) => {
    const person = await theatre.person();
    const page = await person.tab();
    await person.signIn(page, provider, user);
    return { person, page };
  };
  const here = await enter(a, a.user);
  const there = await enter(a, a.user);
  const colleague = await enter(a, a.colleague);
  const namesake = await enter(b, b.user);
  const statuses = async () => Promise.all([here, there, colleague, namesake].map(async ({ person, page }) => (await person.me()).status));
  const before = await statuses();
  await ask('end', { user: a.user });
  await until(async () => (await statuses()).slice(0, 2).every((status) => status === 401), 'both of theirs are over');
  const after = await statuses();
  await here.page.reload();
  return { before, after, text: await shown(here.page) };
}
