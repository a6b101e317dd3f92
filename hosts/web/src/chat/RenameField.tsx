import { type KeyboardEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { composing } from './keys';
import type { Thread } from './types';
import { useThreadDeeds } from './useThreadDeeds';

/** The title of a thread to be changed. Leaving it saves; Escape does not. An empty one is made from the first question again. */
export function RenameField({ thread, onDone }: { thread: Thread; onDone: () => void }) {
  const { t } = useTranslation('chat');
  const { change } = useThreadDeeds();
  const [title, setTitle] = useState(thread.title);
  const over = useRef(false);
  const finish = (save: boolean) => {
    if (over.current) return;
    over.current = true;
    const next = title.trim();
    if (save && next !== thread.title) change(thread, { title: next });
    onDone();
  };
  const keys = (e: KeyboardEvent) => {
    if (composing(e)) return;
    if (e.key === 'Enter') finish(true);
    if (e.key === 'Escape') {
      e.stopPropagation();
      finish(false);
    }
  };
  return (
    <input
      autoFocus
      aria-label={t('thread.renameLabel')}
      placeholder={t('thread.renameHint')}
      value={title}
      maxLength={200}
      className="h-8 w-full min-w-0 rounded-md border border-line-control bg-page px-2.5 touch:h-11 touch:text-base"
      onFocus={(e) => e.target.select()}
      onChange={(e) => setTitle(e.target.value)}
      onKeyDown={keys}
      onBlur={() => finish(true)}
    />
  );
}
