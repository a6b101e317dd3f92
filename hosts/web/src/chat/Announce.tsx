import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Conversation } from './thread';

/** Tells screen readers that an answer begins and how it ended, and not each of its words. */
export function Announce({ conversation }: { conversation: Conversation }) {
  const { t } = useTranslation('chat');
  const [words, setWords] = useState('');
  const before = useRef(conversation.running);
  useEffect(() => {
    const was = before.current;
    const now = conversation.running;
    before.current = now;
    if (now && now.id !== was?.id) setWords(t('announce.begun'));
    if (was && !now) {
      const state = conversation.path.findLast((m) => m.turn?.id === was.id)?.turn?.state;
      setWords(t(`announce.${state === 'stopped' || state === 'failed' ? state : 'done'}`));
    }
  }, [conversation, t]);
  return (
    <div role="status" aria-live="polite" className="sr-only" data-testid="announce">
      {words}
    </div>
  );
}
