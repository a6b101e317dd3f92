// Two servers: a turn runs on one, and is followed, stopped and survived on the other.
import { Chat, until } from '../chat.mjs';

export default async function story({ theatre, cookie, again, ask }) {
  const here = await theatre.person({ cookie, server: 0 });
  const there = await theatre.person({ cookie: again, server: 1 });
  const one = new Chat(theatre, await here.tab());
  const two = new Chat(theatre, await there.tab());
  await ask('teach', { question: 'Go on.', answer: Array.from({ length: 10 }, (_, i) => `step${i}`).join(' '), script: 'gate1' });

  await one.open();
  await one.ask('Go on.');
  await ask('admit', { gate: 1, passes: 3 });
  await one.says('step2');
  const thread = await one.thread();
  await two.open(thread);
  await two.says('step0 step1 step2');
  await ask('admit', { gate: 1, passes: 2 });
  for (const chat of [one, two]) await chat.says('step4');
  await ask('admit', { gate: 1, passes: -1 });
  for (const chat of [one, two]) {
    await chat.says('step9');
    await chat.ended();
  }
  const whole = await ask('settled');

  // Stopped from the other server.
  await ask('admit', { gate: 1, passes: 0 });
  await one.ask('Go on.');
  await ask('admit', { gate: 1, passes: 2 });
  await one.says('step1');
  await two.page.reload();
  await two.says('step1');
  await two.stop.click();
  for (const chat of [one, two]) await chat.ended();
  const stopped = await ask('settled');

  // The server dies: the other says so, and keeps what there was of the answer.
  await one.ask('Go on.');
  await ask('admit', { gate: 1, passes: 3 });
  await one.says('step2');
  await two.page.reload();
  await two.says('step2');
  theatre.expected.push('ERR_INCOMPLETE_CHUNKED_ENCODING'); // streams that break with it
  await ask('kill');
  await two.failed.last().waitFor({ timeout: 40_000 });
  const card = (await two.failed.last().innerText()).replace(/\s+/g, ' ');
  await two.says('step0 step1 step2');
  await ask('admit', { gate: 1, passes: -1 });
  await until(async () => (await ask('ledger')).holds === 0, 'the hold of the dead server is settled', 60_000);
  const after = await ask('ledger');
  await until(() => two.box.isEnabled(), 'one can go on');
  return { whole, stopped, card, after };
}
