import { useSyncExternalStore } from 'react';
import type { Options } from 'react-markdown';

type PluggableList = NonNullable<Options['rehypePlugins']>;

/** The parts of the pipeline that are fetched once an answer needs them. */
export interface Plugins {
  math?: { remark: PluggableList; rehype: PluggableList };
  code?: PluggableList;
}

let loaded: Plugins = {};
const listeners = new Set<() => void>();
const asked = new Set<keyof Plugins>();

/** Fetches a part; what does not come is asked for again by the next answer. */
export function want(part: keyof Plugins) {
  if (asked.has(part)) return;
  asked.add(part);
  const got = part === 'math' ? loadMath() : loadCode();
  got.then(
    (plugins) => {
      loaded = { ...loaded, ...plugins };
      for (const l of listeners) l();
    },
    () => asked.delete(part),
  );
}

export function usePlugins(): Plugins {
  return useSyncExternalStore(subscribe, current, current);
}

const current = () => loaded;

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

async function loadMath(): Promise<Plugins> {
  const [remarkMath, { rehypeMath }] = await Promise.all([import('remark-math'), import('./rehypeMath')]);
  return {
    math: {
      remark: [[remarkMath.default, { singleDollarTextMath: false }]],
      rehype: [rehypeMath],
    },
  };
}

async function loadCode(): Promise<Plugins> {
  const rehypeHighlight = await import('rehype-highlight');
  return { code: [[rehypeHighlight.default, { detect: false, plainText: ['text', 'txt', 'plain', 'plaintext'] }]] };
}
