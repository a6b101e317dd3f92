// The desk of one page: it works while the form is typed, and ends with the page.

import { useEffect, useMemo, useState } from 'react';
import { challenge, requestAccess } from '@/api/queries/access';
import { Desk, type Phase } from './desk';
import type { Request } from './form';
import { solve } from './solve';

/** useDesk returns the desk and where its sending stands; null while it sends nothing. */
export function useDesk(): { desk: Desk<Request>; phase: Phase | null; rest: () => void } {
  const [phase, setPhase] = useState<Phase | null>(null);
  const [left] = useState(() => ({ controller: new AbortController() }));
  const desk = useMemo(
    () =>
      new Desk<Request>({
        challenge: async () => {
          const c = await challenge();
          return { challenge: c.challenge, difficulty: c.difficulty, notBefore: Date.parse(c.not_before) };
        },
        solve: (work, progress) => solve(work, progress, left.controller.signal),
        send: (form, text, proof) => requestAccess({ ...form, challenge: text, proof }),
        wait: (ms) => new Promise((done) => setTimeout(done, ms)),
        now: Date.now,
        show: setPhase,
      }),
    [left],
  );
  useEffect(() => {
    if (left.controller.signal.aborted) left.controller = new AbortController();
    return () => left.controller.abort();
  }, [left]);
  return { desk, phase, rest: () => setPhase(null) };
}
