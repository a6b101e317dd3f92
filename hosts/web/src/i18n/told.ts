// What the server says of a failure, in the language of the app. Its sentences are
// English; codes stand for them, and a language may have its own words for those
// that it knows. What it does not know is told as the server told it.

import i18next from 'i18next';

export interface Told {
  sentence: string;
  /** What can be done about it. */
  next?: string;
}

/**
 * What a code was given for: an answer that failed, a door that is closed, or a
 * call that was refused. One code may read another way in each.
 */
export type Kind = 'failures' | 'reasons' | 'problems';

const order: Record<Kind, readonly Kind[]> = {
  failures: ['failures', 'reasons'],
  reasons: ['reasons'],
  problems: ['problems', 'reasons', 'failures'],
};

/** The texts by code, which English has from the server. */
export const bundle = 'told';

/** told returns the texts of a code; sentence and next are the server's. */
export function told(kind: Kind, code: string, sentence: string, next?: string): Told {
  for (const one of order[kind]) {
    const known = i18next.getResource(i18next.language, bundle, one) as Record<string, Told> | undefined;
    if (known && Object.hasOwn(known, code)) return known[code]!;
  }
  return { sentence, next };
}
