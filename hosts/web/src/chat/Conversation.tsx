import { ThreadPrimitiveMessages } from '@assistant-ui/core/react';
import { useAuiState } from '@assistant-ui/react';
import { ArrowDown, LoaderCircle, Pencil } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { IconButton } from '@/ui/IconButton';
import { FailedCard } from './FailedCard';
import { MessageView } from './MessageView';
import type { Refused } from './thread';
import { useStick } from './useStick';
import { useView } from './view';

interface Props {
  /** Whether there are messages before those that are mounted; they come when one scrolls up. */
  more: boolean;
  onMore: () => void;
  refused: Refused | undefined;
  onAgain: () => void;
  onEditRefused: () => void;
}

/** The messages, of which the newest ones are mounted. */
export function Conversation({ more, onMore, refused, onAgain, onEditRefused }: Props) {
  const { t } = useTranslation('chat');
  const { conversation } = useView();
  const viewport = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const top = useRef<HTMLDivElement>(null);
  // Of those that are mounted, which is a moment after they are known.
  const first = useAuiState((s) => s.thread.messages[0]?.id);
  const { atEnd, toEnd } = useStick(viewport, content, first);
  const { sending } = conversation;
  useEffect(() => {
    if (sending) toEnd();
  }, [sending, toEnd]);

  useEffect(() => {
    const root = viewport.current;
    const mark = top.current;
    if (!root || !mark || !more) return;
    const seen = new IntersectionObserver(
      (entries) => {
        if (entries.some((e) => e.isIntersecting)) onMore();
      },
      { root, rootMargin: '800px 0px 0px 0px' },
    );
    seen.observe(mark);
    return () => seen.disconnect();
  }, [more, onMore, first]);

  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={viewport}
        className="chat-viewport h-full overflow-x-hidden overflow-y-auto focus-visible:-outline-offset-2"
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t('messages')}
        aria-busy={conversation.status === 'loading'}
        data-testid="messages"
      >
        <div ref={content} className="mx-auto max-w-3xl px-4 pt-4 pb-6">
          <div ref={top} className={more ? 'flex h-10 items-center justify-center' : undefined}>
            {conversation.loadingEarlier && <LoaderCircle className="size-4 animate-spin text-quiet" aria-label={t('loading')} />}
          </div>
          <ThreadPrimitiveMessages>{({ message }) => <MessageView id={message.id} />}</ThreadPrimitiveMessages>
          {refused && <RefusedQuestion refused={refused} onAgain={onAgain} onEdit={onEditRefused} />}
        </div>
      </div>
      {!atEnd && (
        <IconButton
          icon={ArrowDown}
          look="outline"
          label={t('toEnd')}
          className="absolute bottom-3 left-1/2 -translate-x-1/2 bg-raised"
          onClick={toEnd}
        />
      )}
    </div>
  );
}

/** C3: a question that the server did not take stays to be seen, with the reason. */
function RefusedQuestion({ refused, onAgain, onEdit }: { refused: Refused; onAgain: () => void; onEdit: () => void }) {
  const { t } = useTranslation('chat');
  return (
    <div className="flex flex-col gap-3 py-3">
      <div className="max-w-[85%] self-end rounded-xl bg-hover px-4 py-2.5 text-base whitespace-pre-wrap opacity-70">{refused.text}</div>
      <FailedCard trouble={refused.trouble} note={refused.trouble.status === 0 ? undefined : t('failed.refused')} onRetry={onAgain}>
        <Button size="sm" onClick={onEdit}>
          <Pencil className="size-3.5" aria-hidden />
          {t('failed.edit')}
        </Button>
      </FailedCard>
    </div>
  );
}
