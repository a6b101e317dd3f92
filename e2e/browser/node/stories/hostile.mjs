// A model that means harm: what it writes is text, and nothing more.
import { readFile } from 'node:fs/promises';
import { Chat, assert, until } from '../chat.mjs';
import { still } from '../eye.mjs';
import { calm } from '../theatre.mjs';

export default async function story({ theatre, cookie, shots, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  const table = `|a|b|c|d|\n|-|-|-|-|\n${'|<b>1</b>|[2](javascript:ran(2))|3|4|\n'.repeat(400)}`;
  const texts = (await readFile(new URL('../hostile.md', import.meta.url), 'utf8'))
    .replace('{{table}}', table).replaceAll(/\{\{([0-9a-f]+)\}\}/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .split(/^=====.*\n/m).filter((t) => t.trim());
  const opened = [];
  person.context.on('page', (p) => opened.push(p.url()));
  await page.addInitScript(() => { globalThis.__ran = []; globalThis.ran = (what) => globalThis.__ran.push(what); });
  await chat.open();
  for (const [i, text] of texts.entries()) {
    await ask('teach', { question: `Hostile ${i}`, answer: `Begin${i}.\n\n${text}\n\nEnd${i}.`, script: 'gap1' });
    await chat.ask(`Hostile ${i}`);
    await chat.says(`End${i}.`);
    await chat.ended();
    await chat.thread();
    const at = new URL(page.url());
    assert.match(at.pathname, /^\/chat\/thr_/, `text ${i} leads nowhere`);
  }
  const live = () => page.evaluate(() => {
    const inside = [...document.querySelectorAll('[data-testid="message"]')];
    const all = (selector) => inside.flatMap((m) => [...m.querySelectorAll(selector)]);
    const handlers = all('*').flatMap((e) => e.getAttributeNames().filter((n) => n.startsWith('on')).map((n) => `${e.tagName} ${n}`));
    const attributes = ['href', 'src', 'srcset', 'action', 'formaction', 'xlink:href', 'data', 'poster', 'background'];
    const addresses = all('*').flatMap((e) => attributes.filter((a) => e.hasAttribute(a)).map((a) => ({ tag: e.tagName, attribute: a, value: e.getAttribute(a), rel: e.getAttribute('rel'), target: e.getAttribute('target') })));
    return {
      ran: globalThis.__ran, title: document.title, handlers, addresses,
      elements: all('script, style, iframe, object, embed, form, meta, link, base, video, audio, img, picture, input:not([type=checkbox]), dialog, foreignObject').map((e) => e.outerHTML.slice(0, 200)),
      styled: all('[style]').map((e) => e.outerHTML.slice(0, 200)), ids: all('[id]').map((e) => e.id),
      frames: globalThis.frames.length, overflow: document.documentElement.scrollWidth > innerWidth,
      fixed: all('*').filter((e) => getComputedStyle(e).position === 'fixed').length,
    };
  });
  const rest = async () => { // its parts may come late, and turn to another screen a moment after it
    await calm(page);
    await still(page);
  };
  await rest();
  const facts = { count: texts.length, live: await live() };
  await page.setViewportSize({ width: 375, height: 812 });
  await rest();
  facts.phone = await live();
  await page.screenshot({ path: `${shots}/hostile-phone-light.png` });
  await page.setViewportSize({ width: 1440, height: 900 });
  await rest();
  await page.screenshot({ path: `${shots}/hostile-wide-light.png` });
  await page.reload(); // from the store, all at once
  await chat.says(`End${texts.length - 1}.`);
  await rest();
  facts.again = await until(async () => { const now = await live(); return now.addresses.length > 0 && now; }, 'the answers are set');
  facts.pages = opened;
  return facts;
}
