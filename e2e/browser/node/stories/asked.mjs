// The provider is asked again: a group that is gone closes its doors at once,
// one that is back opens them, and who is blocked is out.
import { closed, shown } from '../theatre.mjs';

export default async function story({ theatre, providers: [a], ask }) {
  const person = await theatre.person();
  const page = await person.tab();
  await person.signIn(page, a);
  const state = async () => {
    await page.goto(theatre.site);
    const me = await person.me();
    const key = await person.fetch('/api/keys', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"browser"}' });
    return { text: await shown(page), status: me.status, session: me.body?.session?.id, chat: me.status === 200 ? closed(me, 'chat') : null, api: me.status === 200 ? closed(me, 'api') : null, key: key.status, code: key.body?.code ?? '' };
  };
  const until = async (what) => {
    const begun = Date.now();
    for (;;) {
      const me = await person.me();
      const milliseconds = Date.now() - begun; // without what the look at the page takes
      if (what(me)) return { ...await state(), milliseconds };
      if (Date.now() - begun > 30_000) throw new Error(`not within 30 s: ${JSON.stringify(me)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const open = await state();
  await ask('groups', { user: a.user, groups: ['chat'] });
  const narrowed = await until((me) => closed(me, 'api').length > 0);
  await ask('groups', { user: a.user, groups: [] });
  const shut = await until((me) => closed(me, 'chat').length > 0);
  await ask('groups', { user: a.user, groups: ['chat', 'api'] });
  const again = await until((me) => closed(me, 'api').length === 0);
  await ask('block', { user: a.user });
  const blocked = await until((me) => me.status === 401);
  return { open, narrowed, shut, again, blocked };
}
