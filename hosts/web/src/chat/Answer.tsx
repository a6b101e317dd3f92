import { RefreshCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '@/ui/CopyButton';
import { IconButton } from '@/ui/IconButton';
import { AnswerDetails } from './AnswerDetails';
import { Branches } from './Branches';
import { FailedCard } from './FailedCard';
import { credits, exact } from './format';
import { LazyMarkdown } from './LazyMarkdown';
import { useText } from './session';
import type { ChatThread } from './thread';
import { localPrefix } from './tree';
import type { Message, Turn } from './types';
import { useView } from './view';

/** What a model answered, or is about to, and what came of it. */
export function Answer({ message, thread }: { message: Message; thread: ChatThread }) {
  const { t } = useTranslation('chat');
  const { conversation, closed, retry } = useView();
  const text = useText(thread, message.id);
  const { turn } = message;
  const local = message.id.startsWith(localPrefix);
  const writing = local || turn?.state === 'running';
  const busy = conversation.sending || conversation.running !== undefined;
  return (
    <div className="flex flex-col gap-1">
      {text !== '' && <LazyMarkdown text={text} growing={writing} />}
      {writing && <Working empty={text === ''} connected={conversation.connected} stopping={conversation.stopping} />}
      {turn?.state === 'failed' && turn.failure && (
        <FailedCard
          kind="failures"
          trouble={{
            code: turn.failure.code,
            message: turn.failure.message,
            nextStep: turn.failure.next_step,
            requestID: turn.request_id,
            status: 500,
          }}
          onRetry={turn.failure.retryable && !busy && !closed ? () => retry(turn.question) : undefined}
          note={t('failed.kept')}
        />
      )}
      {turn && !writing && <Note turn={turn} />}
      {!writing && (
        <div className="message-actions flex flex-wrap items-center">
          {text !== '' && <CopyButton text={text} label={t('message.copyAnswer')} />}
          {turn && (
            <IconButton
              icon={RefreshCw}
              size="sm"
              label={t('message.retry')}
              disabled={busy || closed}
              data-testid="retry-answer"
              onClick={() => retry(turn.question)}
            />
          )}
          {turn && <AnswerDetails turn={turn} />}
          <Branches message={message} />
          {turn && <Cost turn={turn} />}
        </div>
      )}
    </div>
  );
}

/** That something is under way, and what. */
function Working({ empty, connected, stopping }: { empty: boolean; connected: boolean; stopping: boolean }) {
  const { t } = useTranslation('chat');
  const words = !connected ? t('message.reconnecting') : stopping ? t('message.stopping') : empty ? t('message.thinking') : '';
  return (
    <p className="flex items-center gap-2 text-quiet" data-testid="working">
      <span className="inline-block size-2 animate-pulse rounded-full bg-accent" aria-hidden />
      {words}
    </p>
  );
}

/** Why an answer ends where it does, where that is not its own end. */
function Note({ turn }: { turn: Turn }) {
  const { t } = useTranslation('chat');
  const why = turn.steps.findLast((s) => s.name === 'end')?.note;
  let words = '';
  if (turn.state === 'stopped') words = t('message.stopped');
  else if (turn.state === 'done' && why === 'length') words = t('message.cut');
  else if (turn.state === 'done' && why === 'content_filter') words = t('message.filtered');
  return words === '' ? null : <p className="text-sm text-quiet">{words}</p>;
}

function Cost({ turn }: { turn: Turn }) {
  const { t, i18n } = useTranslation('chat');
  const { debited_microcredits: debited } = turn;
  return (
    <span className="ml-2 text-xs text-quiet">
      {turn.model}
      {debited !== undefined && (
        <span title={t('cost.exact', { credits: exact(debited, i18n.language), micro: debited })}>
          {' · '}
          {t('cost.credits', { credits: credits(debited, i18n.language) })}
        </span>
      )}
    </span>
  );
}
