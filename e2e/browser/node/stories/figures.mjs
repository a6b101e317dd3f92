// How quick it is: painting, opening, streaming, reacting.
import { Chat, until } from '../chat.mjs';

export default async function story({ theatre, cookie, short, long, ask }) {
  const text = Array.from({ length: 800 }, (_, i) => (i % 25 === 24 ? 'stop.\n\n' : ['the', '**tide**', 'comes', '`and`', 'goes'][i % 5])).join(' ');
  await ask('teach', { question: 'Pour.', answer: text, script: 'gap4' });
  const facts = { interactions: [] };

  const fresh = await theatre.person({ cookie });
  const first = await fresh.tab();
  await first.addInitScript(() => {
    globalThis.__largest = 0;
    new PerformanceObserver((list) => { for (const e of list.getEntries()) globalThis.__largest = e.startTime; }).observe({ type: 'largest-contentful-paint', buffered: true });
  });
  const chat = new Chat(theatre, first);
  await chat.open();
  Object.assign(facts, await first.evaluate(() => ({
    usable: performance.now(),
    script: performance.getEntriesByType('resource').filter((e) => e.name.endsWith('.js')).reduce((sum, e) => sum + e.encodedBodySize, 0),
  })));
  await first.waitForTimeout(1000);
  Object.assign(facts, await first.evaluate(() => ({
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
    largestPaint: globalThis.__largest,
  })));

  // Opening a long one, by its address and from the list.
  const last = (page) => page.waitForFunction(() => document.querySelector('main')?.innerText.includes('Number 499.'), null, { polling: 'raf' });
  const cold = await (await theatre.person({ cookie })).tab();
  await cold.goto(`${theatre.site}/chat/${long}`, { waitUntil: 'commit' });
  await last(cold);
  facts.cold = await cold.evaluate(() => performance.now());
  const item = chat.items.filter({ hasText: 'Long' }).first();
  await item.waitFor();
  const begun = await first.evaluate(() => performance.now());
  await item.click();
  await last(first);
  facts.warm = await first.evaluate((from) => performance.now() - from, begun);

  // The same answer below few messages and below many.
  const session = await fresh.context.newCDPSession(first);
  await session.send('Performance.enable');
  const work = async () => (await session.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000;
  const pour = async (thread) => {
    await chat.open(thread);
    await until(() => chat.answers.count(), 'messages');
    const before = await chat.answers.count();
    await chat.box.fill('Pour.');
    const [from, worked] = [Date.now(), await work()];
    await chat.send.click();
    await chat.stop.waitFor();
    await chat.stop.waitFor({ state: 'detached', timeout: 60_000 });
    return { took: Date.now() - from, work: await work() - worked, before };
  };
  for (const name of ['short', 'long']) Object.assign(facts, { [name]: [], [`${name}Work`]: [] });
  for (let i = 0; i < 3; i++) {
    for (const [name, thread] of [['short', short], ['long', long]]) {
      const { took, work: done } = await pour(thread);
      facts[name].push(took);
      facts[`${name}Work`].push(done);
    }
  }

  // Reacting: keys, clicks, switching, in the long thread.
  await first.evaluate(() => {
    globalThis.__events = [];
    new PerformanceObserver((list) => { for (const e of list.getEntries()) if (e.interactionId) globalThis.__events.push(e.duration); }).observe({ type: 'event', durationThreshold: 16 });
  });
  await chat.box.click();
  await first.keyboard.type('The quick brown fox jumps over the lazy dog, and then it rests.');
  for (let i = 0; i < 6; i++) {
    await chat.items.filter({ hasText: i % 2 ? 'Long' : 'Short' }).first().click();
    await first.waitForTimeout(300);
  }
  facts.interactions = await first.evaluate(() => globalThis.__events);
  if (facts.interactions.length === 0) facts.interactions = [0]; // none took 16 ms
  return facts;
}
