// Plays one story in Chromium: node run.mjs STORY. What the story is given comes
// as one line of JSON on standard input; what it saw goes out as the last line,
// {"report": …}. In between it may ask the test for something, one line
// {"ask": …, "with": …}, and gets one line back.

import { createInterface } from 'node:readline';
import { Theatre } from './theatre.mjs';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const { default: story } = await import(`./stories/${process.argv[2]}.mjs`);
const given = await read();
const theatre = await Theatre.open(given);
const ask = async (what, args = {}) => {
  write({ ask: what, with: args });
  return read();
};
try {
  const facts = await story({ ...given, theatre, ask });
  write({ report: { facts, ...await theatre.seen() } });
} catch (error) {
  console.error(error);
  console.error(await theatre.whereabouts(given.shots));
  process.exitCode = 1;
} finally {
  await theatre.close();
  process.stdin.destroy();
}
