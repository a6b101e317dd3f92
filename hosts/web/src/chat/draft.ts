import { useAui, useAuiState } from '@assistant-ui/react';
import { useEffect, useRef } from 'react';
import { useUnsaved } from '@/app/unsaved';
import { loadDraft, saveDraft } from '@/api/queries/chat';

const settled = 500;

/** What drafts are known as of the server, so that going back to a thread shows its draft at once. */
const known = new Map<string, string>();

/**
 * Keeps what stands in the composer as the draft of a thread: restored when one
 * comes back to it, saved when typing pauses, and at the latest when the page is
 * hidden.
 */
export function useDraft(thread: string): void {
  const aui = useAui();
  const text = useAuiState((s) => s.composer.text);
  const live = useRef({ text, touched: false });
  // What the server could not be told because the session had ended.
  const unsaved = useUnsaved(`draft ${thread}`, text);

  useEffect(() => {
    let gone = false;
    const put = (draft: string) => {
      if (gone || draft === '' || live.current.touched || live.current.text !== '') return;
      aui.composer.setText(draft);
    };
    const here = unsaved || known.get(thread);
    if (here !== undefined) put(here);
    else {
      loadDraft(thread).then(
        (draft) => {
          if (!known.has(thread)) known.set(thread, draft);
          put(draft);
        },
        () => undefined,
      );
    }
    return () => {
      gone = true;
    };
  }, [aui, thread, unsaved]);

  useEffect(() => {
    if (text !== live.current.text) live.current = { text, touched: true };
    if (!live.current.touched || known.get(thread) === text) return;
    const timer = setTimeout(() => keep(thread, text), settled);
    return () => clearTimeout(timer);
  }, [thread, text]);

  useEffect(() => {
    const flush = () => {
      const { text: now, touched } = live.current;
      if (touched && known.get(thread) !== now) keep(thread, now, true);
    };
    const hidden = () => document.hidden && flush();
    document.addEventListener('visibilitychange', hidden);
    window.addEventListener('pagehide', flush);
    return () => {
      document.removeEventListener('visibilitychange', hidden);
      window.removeEventListener('pagehide', flush);
      flush();
    };
  }, [thread]);
}

function keep(thread: string, text: string, last = false): void {
  const before = known.get(thread);
  known.set(thread, text);
  saveDraft(thread, text, last).catch(() => {
    // The next change, or the page's end, tries again.
    if (known.get(thread) === text) known.set(thread, before ?? '');
  });
}
