// Empties dist, save for the file that keeps the folder in the repository: Go
// cannot embed a folder that is not there.
import { mkdir, readdir, rm } from 'node:fs/promises';

const dist = new URL('../dist/', import.meta.url);
await mkdir(dist, { recursive: true });
for (const name of await readdir(dist)) {
  if (name !== '.gitkeep') await rm(new URL(name, dist), { recursive: true });
}
