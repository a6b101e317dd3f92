// Adds up what a browser loads before /chat stands there, gzipped, and fails
// past the budget: the entry, the chat's own part, and all that they import.
import { readFile, stat } from 'node:fs/promises';

const budget = 300 * 1024;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'));

const first = new Set();
const styles = new Set();
function load(name) {
  const chunk = manifest[name];
  if (!chunk) throw new Error(`there is no ${name} in the manifest`);
  if (first.has(chunk.file)) return;
  first.add(chunk.file);
  for (const style of chunk.css ?? []) styles.add(style);
  for (const next of chunk.imports ?? []) load(next);
}
// What the first screen of a signed-in person needs; keep in step with src/app/router.tsx.
for (const name of ['index.html', 'src/app/AppLayout.tsx', 'src/chat/ChatPage.tsx']) load(name);

const size = async (file) => (await stat(new URL(`${file}.gz`, dist)).catch(() => stat(new URL(file, dist)))).size;
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
let script = 0;
for (const file of first) {
  const bytes = await size(file);
  script += bytes;
  console.log(`${kib(bytes).padStart(12)}  ${file}`);
}
for (const file of styles) console.log(`${kib(await size(file)).padStart(12)}  ${file}`);
console.log(`${kib(script).padStart(12)}  JavaScript before /chat, gzipped; at most ${kib(budget)}`);
if (script > budget) {
  console.error('That is too much. Load what the first screen does not need with import().');
  process.exit(1);
}
