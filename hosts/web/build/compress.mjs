// Puts a .gz and a .br beside each file of dist that gets smaller by it. The
// server sends them as they are, see web.go.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const text = /\.(js|css|svg|json|txt|webmanifest)$/;

for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !text.test(entry.name) || entry.parentPath.includes('.vite')) continue;
  const path = join(entry.parentPath, entry.name);
  const whole = await readFile(path);
  const forms = {
    gz: await promisify(gzip)(whole, { level: 9 }),
    br: await promisify(brotliCompress)(whole, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length },
    }),
  };
  for (const [ending, packed] of Object.entries(forms)) {
    if (packed.length < whole.length) await writeFile(`${path}.${ending}`, packed);
  }
}
