// What people see, and what the browser keeps: pages, headers, cookies.
import { Eye } from '../eye.mjs';
import { closed, shown } from '../theatre.mjs';
import { until } from '../until.mjs';

export default async function story({ theatre, providers: [a], shots, ask }) {
  // A cookie was set since then and before now: its lifetime in whole minutes, however long the look at it takes.
  let since = Date.now();
  const minutes = (expires) => {
    const [least, most] = [expires - Date.now() / 1000, expires - since / 1000 + 1];
    return Math.ceil(least / 60) <= most / 60 ? Math.ceil(least / 60) : most / 60;
  };
  const plain = ({ name, domain, path, expires, httpOnly, secure, sameSite, partitionKey }) => ({
    name: name.replace(/_[0-9a-f]{8}$/, '_…'), domain, path, httpOnly, secure, sameSite, partitioned: partitionKey !== undefined,
    lasts: expires < 0 ? 'until the browser closes' : `${minutes(expires)} minutes`,
  });
  const facts = { cookies: {}, pages: {} };
  const eye = new Eye(theatre, shots);
  const look = async (page, name) => {
    await eye.look(page, name);
    facts.pages[name] = await shown(page);
  };

  const person = await theatre.person();
  const page = await person.tab();
  const headers = (await (await page.goto(theatre.site)).allHeaders());
  facts.headers = Object.fromEntries(['strict-transport-security', 'content-security-policy', 'referrer-policy', 'cross-origin-opener-policy', 'x-content-type-options', 'cache-control'].map((n) => [n, headers[n]]));
  await look(page, 'out');
  since = Date.now();
  await person.start(page, a);
  facts.cookies['while signing in'] = (await person.cookies()).map(plain);
  await person.prove(page, a.user);
  await person.arrive(page);
  facts.cookies['signed in'] = (await person.cookies()).map(plain);
  await look(page, 'in');
  facts.who = await person.who(page);
  await ask('suspend');
  await until(async () => closed(await person.me(), 'chat').includes('account_suspended'), 'the server knows of it');
  await page.reload();
  await look(page, 'closed');
  await ask('resume');
  const stranger = await theatre.person();
  const alone = await stranger.tab();
  await stranger.signIn(alone, a, a.colleague);
  await look(alone, 'alone');

  const response = await page.goto(`${theatre.site}/auth/${a.id}/callback?state=${'A'.repeat(43)}&code=guess`);
  facts.failed = { status: response.status(), csp: (await response.allHeaders())['content-security-policy'] };
  await look(page, 'failed');

  await page.goto(theatre.site);
  await person.signOut(page);
  await page.waitForURL((url) => url.href.startsWith(a.issuer));
  facts.cookies['signed out'] = (await person.cookies()).map(plain);

  // Once seen over TLS, the site is never asked without: Chromium turns the address itself.
  const later = await person.tab();
  facts.upgraded = (await later.goto(theatre.site.replace('https:', 'http:'))).url();
  facts.sizes = eye.sizes;
  return facts;
}
