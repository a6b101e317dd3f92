// What people see, and what the browser keeps: pages, headers, cookies.
import { shown } from '../theatre.mjs';

const screens = { wide: { width: 1440, height: 900 }, phone: { width: 375, height: 812 } };

export default async function story({ theatre, providers: [a], shots, ask }) {
  const plain = ({ name, domain, path, expires, httpOnly, secure, sameSite, partitionKey }) => ({
    name: name.replace(/_[0-9a-f]{8}$/, '_…'), domain, path, httpOnly, secure, sameSite, partitioned: partitionKey !== undefined,
    lasts: expires < 0 ? 'until the browser closes' : `${Math.round((expires - Date.now() / 1000) / 60)} minutes`,
  });
  const facts = { cookies: {}, pages: {}, sizes: {} };
  const look = async (page, name) => {
    for (const [screen, viewport] of Object.entries(screens)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${shots}/${name}-${screen}-${colorScheme}.png` });
      }
      await page.emulateMedia({ colorScheme: null });
      facts.sizes[`${name} ${screen}`] = await page.evaluate(() => ({
        overflow: document.documentElement.scrollWidth > innerWidth,
        font: getComputedStyle(document.body).fontFamily,
        small: [...document.querySelectorAll('a, button')].filter((e) => e.offsetParent && e.matches('.action, button') && e.getBoundingClientRect().height < 40).length,
      }));
    }
    await page.setViewportSize(screens.wide);
    facts.pages[name] = await shown(page);
  };

  const person = await theatre.person();
  const page = await person.tab();
  const headers = (await (await page.goto(theatre.site)).allHeaders());
  facts.headers = Object.fromEntries(['strict-transport-security', 'content-security-policy', 'referrer-policy', 'cross-origin-opener-policy', 'x-content-type-options', 'cache-control'].map((n) => [n, headers[n]]));
  await look(page, 'out');
  await person.start(page, a);
  facts.cookies['while signing in'] = (await person.cookies()).map(plain);
  await person.prove(page, a.user);
  await page.waitForURL(`${theatre.site}/`);
  facts.cookies['signed in'] = (await person.cookies()).map(plain);
  await look(page, 'in');
  await ask('suspend');
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
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL((url) => url.href.startsWith(a.issuer));
  facts.cookies['signed out'] = (await person.cookies()).map(plain);

  // Once seen over TLS, the site is never asked without: Chromium turns the address itself.
  const later = await person.tab();
  await later.goto(theatre.site.replace('https:', 'http:'));
  facts.upgraded = later.url();
  return facts;
}
