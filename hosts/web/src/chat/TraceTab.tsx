import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/ui/EmptyState';
import { TurnFacts } from './AnswerDetails';
import { span } from './format';
import type { Turn } from './types';
import { useView } from './view';

const names = ['gate', 'hold', 'upstream', 'first_text', 'settle', 'end'] as const;

/** How the chosen answer came about; of the last one, where none was chosen. */
export function TraceTab() {
  const { t } = useTranslation('chat');
  const { conversation, thread, traced } = useView();
  const chosen = traced === undefined ? undefined : thread.message(traced)?.turn;
  const turn = chosen ?? conversation.path.findLast((m) => m.turn !== undefined)?.turn;
  if (!turn) return <EmptyState title={t('trace.none')}>{t('trace.noneText')}</EmptyState>;
  const question = thread.text(turn.question);
  return (
    <div className="flex flex-col gap-4">
      {question && <p className="line-clamp-2 border-l-2 border-line-strong pl-3 text-quiet">{question}</p>}
      <Timeline turn={turn} />
      <TurnFacts turn={turn} />
    </div>
  );
}

function Timeline({ turn }: { turn: Turn }) {
  const { t, i18n } = useTranslation('chat');
  const last = Math.max(turn.duration_ms ?? 0, ...turn.steps.map((s) => s.at_ms), 1);
  return (
    <ol aria-label={t('trace.label')} className="flex flex-col">
      {turn.steps.map((s, i) => {
        const known = names.find((n) => n === s.name);
        return (
          <li key={`${s.name}-${s.at_ms}-${i}`} className="grid grid-cols-[auto_1fr_4rem] gap-x-3" data-step={s.name}>
            <span className="flex flex-col items-center" aria-hidden>
              <span className="mt-1.5 size-2 rounded-full bg-accent" />
              {i < turn.steps.length - 1 && <span className="w-px flex-1 bg-line-strong" />}
            </span>
            <span className="min-w-0 pb-3">
              <span className="block font-medium">{known ? t(`trace.${known}.name`) : s.name}</span>
              <span className="block text-xs text-quiet">
                {known && t(`trace.${known}.text`)}
                {s.note && <span className="block break-words">{s.note}</span>}
              </span>
              <span className="mt-1 block h-1 rounded-full bg-hover" aria-hidden>
                <span className="block h-1 rounded-full bg-accent" style={{ width: `${Math.max(1, (s.at_ms / last) * 100)}%` }} />
              </span>
            </span>
            <span className="text-right text-xs text-quiet tabular-nums">{span(s.at_ms, i18n.language)}</span>
          </li>
        );
      })}
      {turn.state === 'running' && (
        <li className="flex items-center gap-3 text-quiet">
          <span className="size-2 animate-pulse rounded-full bg-accent" aria-hidden />
          {t('trace.running')}
        </li>
      )}
    </ol>
  );
}
