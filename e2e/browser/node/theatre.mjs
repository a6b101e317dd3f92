// Chromium, with an eye on everything that a page may give away.

import { chromium } from 'playwright-core';
import { patience } from './until.mjs';

/** Theatre is a browser with any number of people in it, who share nothing. */
export class Theatre {
  static async open({ resolve, spki, site, executable }) {
    const browser = await chromium.launch({
      executablePath: executable || '/usr/bin/chromium',
      timeout: 2 * patience,
      // The name of the site leads to the proxy of the test, whose certificate,
      // and no other, needs no authority.
      args: ['--no-sandbox', '--disable-gpu', `--host-resolver-rules=${resolve}`, `--ignore-certificate-errors-spki-list=${spki}`],
    });
    return new Theatre(browser, site);
  }

  constructor(browser, site) {
    Object.assign(this, { browser, site, people: [], urls: new Set(), texts: new Set(), storage: new Set(), console: [], violations: [], secrets: {}, statuses: [], foreign: new Set(), dialogs: [], axe: [], seenByAxe: [], expected: [] });
  }

  /**
   * person returns somebody with a browser profile of their own: signed in with a
   * cookie, at one of the servers by its number.
   */
  async person({ cookie, server, ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: server === undefined ? {} : { 'x-server': `${server}` }, ...options });
    if (cookie) {
      await context.addCookies([{ ...cookie, url: this.site, httpOnly: true, secure: true, sameSite: 'Lax' }]);
      this.secret('cookie', cookie.value);
    }
    context.setDefaultTimeout(patience);
    context.setDefaultNavigationTimeout(patience);
    await context.exposeBinding('__violated', (_source, what) => { this.violations.push(what); });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (e) => globalThis.__violated(`${e.documentURI}: ${e.violatedDirective} ${e.blockedURI}`));
    });
    context.on('console', (message) => this.said(message));
    context.on('weberror', (error) => this.console.push({ line: `error: ${error.error().message}` }));
    context.on('request', (request) => this.asked(request.url()));
    context.on('dialog', (dialog) => {
      if (dialog.type() !== 'beforeunload') this.dialogs.push(`${dialog.type()}: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    context.on('response', (response) => this.answered(response));
    const person = new Person(this, context);
    this.people.push(person);
    return person;
  }

  /** said keeps what the console says. */
  said(message) {
    const { url } = message.location();
    if (!url.startsWith(this.site)) return; // the provider's own
    if (this.expected.some((text) => message.text().includes(text))) return;
    const refusal = message.text().startsWith('Failed to load resource: the server responded with a status of');
    this.console.push({ line: `${message.type()}: ${message.text()} (${url})`, refused: refusal && url });
  }

  /**
   * complaints are what the console said, save that a page or call that is refused
   * is: which of the two is told first nobody knows.
   */
  complaints() {
    return this.console.filter(({ refused }) => !refused || !this.statuses.includes(refused)).map(({ line }) => line);
  }

  answered(response) {
    if (['document', 'fetch'].includes(response.request().resourceType()) && response.status() >= 400) this.statuses.push(response.url());
  }

  /** asked notes requests to anybody else, and collects what passes by and must not stay. */
  asked(text) {
    const url = new URL(text);
    if (/^(https?|wss?|ftp):$/.test(url.protocol) && !text.startsWith(`${this.site}/`)) this.foreign.add(text);
    for (const name of ['code', 'id_token_hint']) {
      const value = url.searchParams.get(name);
      if (value) this.secret(name, value);
    }
  }

  secret(kind, value) {
    (this.secrets[kind] ??= new Set()).add(value);
  }

  /** seen returns everything that was given away, and what should not have been. */
  async seen() {
    for (const person of this.people) await person.leave();
    const lists = Object.fromEntries(Object.entries(this.secrets).map(([kind, values]) => [kind, [...values]]));
    return { urls: [...this.urls], texts: [...this.texts], storage: [...this.storage], console: this.complaints(), violations: this.violations, secrets: lists, foreign: [...this.foreign], dialogs: this.dialogs, axe: this.axe, seenByAxe: this.seenByAxe };
  }

  /** whereabouts tells where everybody is, with a picture if it is told where to put it. */
  async whereabouts(folder) {
    const out = [...this.violations, ...this.complaints(), ...this.axe];
    for (const [i, page] of this.people.flatMap(({ context }) => context.pages()).entries()) {
      const body = await page.locator('body').first().innerHTML({ timeout: 1000 }).catch(() => '');
      out.push(`--- ${page.url()}`, body.replaceAll(/<(svg|script|style|noscript)\b[\s\S]*?<\/\1>/g, ''));
      if (folder && page.url() !== 'about:blank') await page.screenshot({ path: `${folder}/failed-${i}.png` }).catch(() => {});
    }
    return out.join('\n');
  }

  close() {
    return this.browser.close();
  }
}

/** Person is somebody with a browser profile of their own. */
export class Person {
  constructor(theatre, context) {
    Object.assign(this, { theatre, context });
  }

  /** tab opens a tab. */
  async tab() {
    const page = await this.context.newPage();
    page.on('load', () => this.look(page).catch(() => {})); // it may be gone already
    this.front = page;
    return page;
  }

  /** turn brings a tab to the front: one behind another is drawn once a second, and clicks wait for that. */
  async turn(page) {
    this.front = page;
    await page.bringToFront();
  }

  /** look notes what a page of the site shows and keeps. */
  async look(page) {
    if (!page.url().startsWith(this.theatre.site)) return;
    const { text, html, kept, cookie } = await page.evaluate(() => ({
      text: document.body?.innerText ?? '',
      html: document.documentElement.outerHTML,
      kept: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]),
      cookie: document.cookie,
    }));
    for (const shown of [text, html]) this.theatre.texts.add(shown);
    if (kept !== '[{},{}]') this.theatre.storage.add(kept);
    if (cookie) this.theatre.storage.add(`document.cookie: ${cookie}`);
  }

  /** cookies returns those of the site, as the browser keeps them. */
  async cookies() {
    const all = await this.context.cookies(this.theatre.site);
    for (const { value } of all) this.theatre.secret('cookie', value);
    return all;
  }

  /** start goes to the start page and on to a provider, where nobody is known yet. */
  async start(page, provider) {
    await this.turn(page);
    await page.goto(this.theatre.site);
    await page.getByRole('link', { name: provider.name }).click();
    await page.waitForURL((url) => url.href.startsWith(provider.issuer));
  }

  /** prove says at the provider who one is. */
  async prove(page, user) {
    await this.turn(page);
    await page.getByLabel('User name').fill(user);
    await page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** signIn signs in from the start page and comes back to it. */
  async signIn(page, provider, user = provider.user) {
    await this.start(page, provider);
    await this.prove(page, user);
    await this.arrive(page);
    await this.cookies();
  }

  /** asked waits until the provider asks who one is. */
  async asked(page) {
    await page.getByLabel('User name').waitFor();
    return true;
  }

  /** arrive waits until the provider has sent one back. */
  async arrive(page) {
    await page.waitForURL((url) => url.href.startsWith(`${this.theatre.site}/`) && !url.pathname.startsWith('/auth/'));
    await calm(page);
  }

  /** signOut signs out by the menu of the account. */
  async signOut(page) {
    await this.turn(page);
    await account(page).click();
    await page.getByRole('dialog', { name: 'Account' }).getByRole('button', { name: 'Sign out' }).click();
  }

  /** who returns what the menu of the account says. */
  async who(page) {
    await this.turn(page);
    await account(page).click();
    const menu = page.getByRole('dialog', { name: 'Account' });
    await menu.getByRole('button', { name: 'Sign out' }).waitFor(); // its end; it opens before it has anything to say
    const text = (await menu.innerText()).replace(/\s+/g, ' ');
    await page.keyboard.press('Escape');
    await menu.waitFor({ state: 'detached' });
    return text;
  }

  /** me asks who one is, as a script of the site does. */
  me() {
    return this.fetch('/api/me');
  }

  /**
   * fetch calls the site as a script of its own would, in a tab that shows no page
   * of the app and heeds no policy.
   */
  async fetch(path, options = {}) {
    this.desk ??= await this.openDesk();
    return this.desk.evaluate(async ([to, given]) => {
      const response = await fetch(to, given);
      const text = await response.text();
      return { status: response.status, body: text ? JSON.parse(text) : null };
    }, [path, options]);
  }

  async openDesk() {
    const desk = await this.context.newPage();
    const session = await this.context.newCDPSession(desk);
    await session.send('Page.setBypassCSP', { enabled: true });
    const at = `${this.theatre.site}/desk`;
    await desk.route(at, (route) => route.fulfill({ contentType: 'text/html', body: '<link rel=icon href="data:,"><main>desk</main>' }));
    await desk.goto(at);
    await this.front?.bringToFront();
    return desk;
  }

  /** leave notes the history of all tabs. */
  async leave() {
    await this.cookies();
    for (const page of this.context.pages()) {
      await this.look(page).catch(() => {});
      const session = await this.context.newCDPSession(page);
      const { entries } = await session.send('Page.getNavigationHistory');
      for (const { url, title } of entries) {
        this.theatre.urls.add(url);
        this.theatre.texts.add(title);
      }
      await session.detach();
    }
  }
}

/** closed returns the reasons for which an area is closed, by what /api/me says. */
export const closed = (me, area) => me.body.areas.find((a) => a.area === area).reasons.map((r) => r.code);

const account = (page) => page.getByRole('button', { name: /^Account menu/ });

let calms = 0;

/** calm waits until a page says what it has to say. */
export async function calm(page) {
  await page.locator('main').first().waitFor();
  await page.waitForFunction((call) => {
    const text = document.body.innerText;
    const { call: last, text: before } = globalThis.__calm ?? {};
    globalThis.__calm = { call, text };
    if (document.querySelector('[aria-busy="true"], [data-testid="skeleton"]')) return false;
    return text.trim() !== '' && call === last && text === before; // what an earlier call saw is not what is
  }, ++calms, { polling: 100 });
}

/** shown returns what a page says, in one line. */
export async function shown(page) {
  await calm(page);
  return (await page.locator('body').innerText()).replace(/\s+/g, ' ');
}
