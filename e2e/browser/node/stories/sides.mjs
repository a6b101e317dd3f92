// Two people, two providers, two browsers: each is who their own provider says.
import { closed, shown } from '../theatre.mjs';

export default async function story({ theatre, providers, ask, account }) {
  const [a, b] = providers;
  const people = [];
  for (const provider of [a, b]) {
    const person = await theatre.person();
    const page = await person.tab();
    await page.goto(theatre.site);
    const before = await shown(page);
    await person.signIn(page, provider);
    const me = await person.me();
    people.push({ person, page, provider, before, user: me.body.user, alone: { api: closed(me, 'api'), text: `${await shown(page)} ${await person.who(page)}` } });
  }
  await ask('join', { users: people.map((p) => p.user.id) }); // both are members of one account from now on
  const facts = [];
  for (const { person, page, provider, before, user, alone } of people) {
    await page.reload(); // a session names its account; this one was for none yet
    await person.fetch('/api/session/account', { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ account_id: account }) });
    await page.reload();
    const me = await person.me();
    facts.push({
      provider: provider.id, before, user, alone, text: `${await shown(page)} ${await person.who(page)}`, account: me.body.account?.id,
      chat: closed(me, 'chat'), api: closed(me, 'api'), workspace: closed(me, 'workspace'),
      cookies: (await person.cookies()).map((c) => c.name),
    });
  }
  return facts;
}
