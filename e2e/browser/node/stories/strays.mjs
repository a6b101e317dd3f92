// Callbacks that come twice, late, elsewhere, or not to who began.
import { shown } from '../theatre.mjs';

/** stop keeps the browser from a callback and returns where it would have gone. */
async function stop(person, page, provider) {
  const session = await person.context.newCDPSession(page);
  await session.send('Fetch.enable', { patterns: [{ urlPattern: `${person.theatre.site}/auth/*/callback*` }] });
  const held = new Promise((resolve) => {
    session.on('Fetch.requestPaused', async ({ requestId, request }) => {
      await session.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
      resolve(request.url);
    });
  });
  await person.start(page, provider);
  await person.prove(page, provider.user).catch(() => {}); // which leads nowhere
  const url = await held;
  await session.detach();
  return url;
}

export default async function story({ theatre, providers }) {
  const [a, b] = providers;
  const { site } = theatre;
  const facts = {};
  const visit = async (person, page, url) => {
    const response = await page.goto(url);
    const names = (await person.cookies()).map((c) => c.name);
    return { status: response.status(), text: await shown(page), signedIn: names.includes('__Host-archibot_session'), path: new URL(page.url()).pathname };
  };

  { // by the back button, and typed again
    const person = await theatre.person();
    const page = await person.tab();
    let callback;
    page.on('request', (r) => { if (r.url().includes('/callback?')) callback = r.url(); });
    await person.signIn(page, a);
    const before = (await person.me()).body.session.id;
    await page.goBack().catch(() => {}); // the provider's page, which is over
    await page.goForward();
    facts.back = { text: await person.who(page), same: (await person.me()).body.session.id === before };
    facts.again = await visit(person, page, callback);
    await page.goto(site);
    facts.again.still = (await person.me()).body.session.id === before;
    await page.goBack();
    await shown(page); // a page that still takes its place cannot be loaded again
    await page.reload();
    await page.goto(site);
    facts.again.reloaded = (await person.me()).body.session.id === before;
  }
  { // begun in another browser
    const mallory = await theatre.person();
    const victim = await theatre.person();
    const held = await stop(mallory, await mallory.tab(), a);
    facts.other = await visit(victim, await victim.tab(), held);
    facts.spent = await visit(mallory, await mallory.tab(), held);
  }
  { // taken to another provider's door
    const person = await theatre.person();
    const page = await person.tab();
    const held = await stop(person, page, a);
    facts.mixed = await visit(person, page, held.replace(`/auth/${a.id}/`, `/auth/${b.id}/`));
  }
  { // two tabs at once
    const person = await theatre.person();
    const [one, two] = [await person.tab(), await person.tab()];
    await person.start(one, a);
    await person.start(two, b);
    const flows = (await person.cookies()).map((c) => c.name);
    await person.prove(one, a.user);
    await person.arrive(one);
    const first = (await person.me()).body;
    await person.prove(two, b.user);
    await person.arrive(two);
    const second = (await person.me()).body;
    await one.reload();
    facts.tabs = {
      flows: flows.length, users: [first.user.provider, second.user.provider], now: (await person.me()).body.user.provider,
      cookies: (await person.cookies()).map((c) => c.name),
    };
  }
  { // no, thank you
    const person = await theatre.person();
    const page = await person.tab();
    await person.start(page, a);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL((url) => url.href.startsWith(site));
    facts.cancelled = { text: await shown(page), path: new URL(page.url()).pathname, cookies: (await person.cookies()).map((c) => c.name) };
    await page.getByRole('link', { name: /try again/i }).click();
    await page.waitForURL((url) => url.href.startsWith(a.issuer));
  }
  return facts;
}
