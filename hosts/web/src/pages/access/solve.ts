// Work in a worker: a script of this site, as the pages' policy wants it.

import type { Message, Work } from './proof';

/** solve returns a proof for a challenge; it gives up once the signal says so. */
export function solve(work: Work, progress: (chance: number) => void, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new DOMException('given up', 'AbortError'));
      return;
    }
    const worker = new Worker(new URL('./proof.worker.ts', import.meta.url), { type: 'module' });
    const end = (then: () => void) => {
      worker.terminate();
      signal?.removeEventListener('abort', stop);
      then();
    };
    const stop = () => { end(() => { reject(new DOMException('given up', 'AbortError')); }); };
    signal?.addEventListener('abort', stop);
    worker.onmessage = ({ data }: MessageEvent<Message>) => {
      if ('chance' in data) progress(data.chance);
      else if ('proof' in data) end(() => { resolve(data.proof); });
      else end(() => { reject(new Error('the proof of work failed')); });
    };
    worker.onerror = () => { end(() => { reject(new Error('the proof of work could not start')); }); };
    worker.postMessage(work);
  });
}
