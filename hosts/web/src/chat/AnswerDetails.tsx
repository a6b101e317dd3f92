import { Info } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { IconButton } from '@/ui/IconButton';
import { Popover } from '@/ui/Popover';
import { count, credits, exact, moment, span } from './format';
import type { Turn } from './types';
import { useView } from './view';

/** C4: what an answer came from and what it cost. */
export function AnswerDetails({ turn }: { turn: Turn }) {
  const { t } = useTranslation('chat');
  const { trace } = useView();
  const [open, setOpen] = useState(false);
  return (
    <Popover
      label={t('details.title')}
      open={open}
      onOpenChange={setOpen}
      className="w-88 max-w-[calc(100vw-1rem)] p-4"
      trigger={<IconButton icon={Info} size="sm" label={t('details.title')} data-testid="answer-details" />}
    >
      <TurnFacts turn={turn} />
      <Button
        size="sm"
        className="mt-4 w-full"
        onClick={() => {
          setOpen(false);
          trace(turn.answer);
        }}
      >
        {t('details.trace')}
      </Button>
    </Popover>
  );
}

/** The facts of a turn as a list of names and values. */
export function TurnFacts({ turn }: { turn: Turn }) {
  const { t, i18n } = useTranslation('chat');
  const l = i18n.language;
  const { usage, debited_microcredits: debited } = turn;
  const first = turn.first_text_at === undefined ? undefined : Date.parse(turn.first_text_at) - Date.parse(turn.started_at);
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-sm">
      <Fact name={t('details.model')}>{turn.model}</Fact>
      <Fact name={t('details.state')}>{t(`state.${turn.state}`)}</Fact>
      <Fact name={t('details.credits')}>
        {debited === undefined ? (
          t('details.unknown')
        ) : (
          <span title={t('cost.exact', { credits: exact(debited, l), micro: debited })}>
            {credits(debited, l)}
            {!turn.settled && ` (${t('details.notSettled')})`}
          </span>
        )}
      </Fact>
      {usage && (
        <>
          <Fact name={t('details.input')}>
            {count(usage.input_tokens, l)}
            {usage.cached_input_tokens > 0 && ` (${t('details.cached', { tokens: count(usage.cached_input_tokens, l) })})`}
          </Fact>
          <Fact name={t('details.output')}>
            {count(usage.output_tokens, l)}
            {usage.estimated && ` (${t('details.estimated')})`}
          </Fact>
        </>
      )}
      <Fact name={t('details.started')}>{moment(turn.started_at, l)}</Fact>
      {first !== undefined && <Fact name={t('details.first')}>{span(first, l)}</Fact>}
      {turn.duration_ms !== undefined && <Fact name={t('details.duration')}>{span(turn.duration_ms, l)}</Fact>}
      <Fact name={t('details.request')}>
        <span className="flex items-center gap-1">
          <code className="min-w-0 font-mono text-xs break-all">{turn.request_id}</code>
          <CopyButton text={turn.request_id} label={t('details.copyRequest')} />
        </span>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-quiet">{name}</dt>
      <dd className="min-w-0 text-right break-words tabular-nums [&>span]:justify-end">{children}</dd>
    </>
  );
}
