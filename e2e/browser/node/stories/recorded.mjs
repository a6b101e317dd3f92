// A whole session, of which everything is kept: nothing of the hidden credential
// is anywhere in it. With plant it is, to see that it would be found.
import { Chat, until } from '../chat.mjs';

export default async function story({ theatre, cookie, plant, ask }) {
  const person = await theatre.person({ cookie });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  await ask('teach', { question: 'What do you know of me?', answer: 'Nothing but **this**.', script: '' });
  await ask('teach', { question: 'Fail, please.', answer: 'x', script: 'err500' });
  await ask('teach', { question: 'Repeat the header Authorization.', answer: 'x', script: 'leakkey-err400' });
  await chat.open();
  await chat.ask('What do you know of me?');
  await chat.says('Nothing but this.');
  await chat.ended();
  const thread = await chat.thread();
  const held = await ask('credential'); // there is one from now on
  if (plant) {
    await page.evaluate((text) => {
      localStorage.setItem('planted', text);
      document.cookie = `seen=${text}; secure; path=/`;
    }, held.text);
  } else {
    for (const question of ['Fail, please.', 'Repeat the header Authorization.']) {
      await chat.ask(question);
      await chat.failed.last().waitFor();
      await chat.ended();
    }
    for (const path of ['/keys', '/sessions', '/members', '/setup', '/nowhere']) {
      await page.goto(theatre.site + path);
      await page.getByRole('main').waitFor();
      await person.look(page);
    }
    for (const path of ['/api/me', '/api/keys', '/api/sessions', '/api/threads', `/api/threads/${thread}`, `/api/threads/${thread}/messages`, `/api/threads/${thread}/export?format=json`, '/api/models', '/api/prompts', '/api/activity', '/api/credits', '/v1/models']) {
      await page.evaluate(async (at) => { await (await fetch(at)).text(); }, path);
    }
  }
  await page.goto(`${theatre.site}/chat/${thread}`); // again, with all that is there by now
  await chat.says(plant ? 'Nothing' : '');
  await chat.items.first().waitFor();
  if (plant) { // a stream too
    await chat.ask('What do you know of me?');
    await until(async () => await chat.answers.count() === 2, 'an answer');
    await chat.ended();
  }
  if (plant) await page.evaluate((text) => document.body.append(text), held.text);
  const kept = await page.evaluate(async () => {
    const out = { local: { ...localStorage }, session: { ...sessionStorage }, cookie: document.cookie, databases: [], caches: [], page: document.documentElement.outerHTML, globals: [] };
    for (const { name } of await indexedDB.databases()) out.databases.push(name);
    for (const name of await caches.keys()) out.caches.push(name);
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      try { if (typeof globalThis[name] === 'string') out.globals.push(globalThis[name]); } catch { /* none of ours */ }
    }
    const client = document.getElementById('root');
    out.page += client ? client.innerText : '';
    return out;
  });
  const cookies = await person.context.cookies();
  return { kept: { page: kept.page, local: JSON.stringify(kept.local), session: JSON.stringify(kept.session), script: kept.cookie, globals: kept.globals.join('\n'), cookies: JSON.stringify(cookies) }, databases: kept.databases, caches: kept.caches };
}
