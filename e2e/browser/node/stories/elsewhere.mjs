// One's sessions: where one is signed in, ending another, and proving oneself
// anew for what needs it.
import { shown } from '../theatre.mjs';

export default async function story({ theatre, providers: [a], ask }) {
  const enter = async (user) => {
    const person = await theatre.person();
    const page = await person.tab();
    await person.signIn(page, a, user);
    return { person, page, me: (await person.me()).body };
  };
  const laptop = await enter(a.user);
  const phone = await enter(a.user);
  const colleague = await enter(a.colleague);
  const list = (await laptop.person.fetch('/api/sessions')).body.data;
  const end = (who, id) => who.person.fetch(`/api/sessions/${id}`, { method: 'DELETE' });
  const foreign = (await end(colleague, phone.me.session.id)).status;
  const still = (await phone.person.me()).status;
  const ended = (await end(laptop, phone.me.session.id)).status;
  const gone = (await phone.person.me()).status;
  await phone.page.reload();
  const text = await shown(phone.page);

  await ask('promote', { user: laptop.me.user.id });
  const key = () => laptop.person.fetch('/api/keys', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"admin"}' });
  await ask('age', { session: laptop.me.session.id }); // an hour has gone by
  const stale = await key();
  await laptop.page.goto(`${theatre.site}/auth/${a.id}/start?fresh=1&return=/`);
  const asked = await laptop.person.asked(laptop.page); // although the provider knows them
  await laptop.person.prove(laptop.page, a.user);
  await laptop.person.arrive(laptop.page);
  const fresh = await key();
  return {
    sessions: list.map((s) => ({ id: s.id, current: s.current, provider: s.provider })), own: [laptop.me.session.id, phone.me.session.id],
    foreign, still, ended, gone, text, stale: { status: stale.status, code: stale.body.code }, asked, fresh: fresh.status,
  };
}
