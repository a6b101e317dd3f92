// Searches for a proof beside the page, so that typing stays smooth.

import { Search, type Message, type Work } from './proof';

const perReport = 1 << 15;

const tell = (m: Message) => { self.postMessage(m); };

self.onmessage = ({ data }: MessageEvent<Work>) => {
  try {
    const search = new Search(data);
    for (;;) {
      const proof = search.step(perReport);
      if (proof !== undefined) {
        tell({ proof });
        return;
      }
      tell({ chance: search.chance });
    }
  } catch {
    tell({ failed: true });
  }
};
