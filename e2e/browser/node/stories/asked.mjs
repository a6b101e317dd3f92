// The provider is asked again: a group that is gone closes its doors at once,
// one that is back opens them, and who is blocked is out.
import { closed, shown } from '../theatre.mjs';
import { patience, until } from '../until.mjs';

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
  const open = await state();
  const once = async (what, why) => {
    await ask('due', { session: open.session });
    await until(async () => what(await person.me()), why, 3 * patience);
    return state();
  };
  await ask('groups', { user: a.user, groups: ['chat'] });
  const narrowed = await once((me) => closed(me, 'api').length > 0, 'the API is closed');
  await ask('groups', { user: a.user, groups: [] });
  const shut = await once((me) => closed(me, 'chat').length > 0, 'the chat is closed, too');
  await ask('groups', { user: a.user, groups: ['chat', 'api'] });
  const again = await once((me) => closed(me, 'api').length === 0, 'both are open again');
  await ask('block', { user: a.user });
  const blocked = await once((me) => me.status === 401, 'the session is over');
  return { open, narrowed, shut, again, blocked };
}
