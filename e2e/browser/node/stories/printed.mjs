// The link that a local server prints lets one browser in, once.
import { closed, shown } from '../theatre.mjs';

export default async function story({ theatre, link }) {
  const visit = async (person, page, to) => {
    const response = await page.goto(to);
    // Who is let in goes on to the chat; the others stay where they are.
    if (response.ok() && to !== theatre.site) await page.waitForURL((url) => url.pathname === '/chat');
    return { status: response.status(), text: await shown(page), path: new URL(page.url()).pathname };
  };
  const owner = await theatre.person();
  const page = await owner.tab();
  const before = await visit(owner, page, theatre.site);
  const first = await visit(owner, page, link);
  const me = await owner.me();
  const cookies = await owner.cookies();
  const again = await visit(owner, await owner.tab(), link);
  const still = (await owner.me()).status;
  const thief = await theatre.person();
  const stolen = await visit(thief, await thief.tab(), link);
  return { before, first, name: me.body.user?.name, api: closed(me, 'api'), cookies, again, still, stolen, thief: (await thief.cookies()).length };
}
