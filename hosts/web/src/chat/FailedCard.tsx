import { CircleAlert, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Kind, told } from '@/i18n/told';
import { Button } from '@/ui/Button';
import { CopyTextButton } from '@/ui/CopyButton';
import type { Trouble } from './types';

interface Props {
  trouble: Trouble;
  /** What its code was given for: a question that was refused, unless said. */
  kind?: Kind;
  /** What else is worth knowing, such as that nothing was debited. */
  note?: string;
  onRetry?: () => void;
  children?: ReactNode;
}

/** Why a question was not answered, what to do about it, and the request to name. */
export function FailedCard({ trouble, kind = 'problems', note, onRetry, children }: Props) {
  const { t } = useTranslation('chat');
  const away = trouble.code === 'unreachable';
  const said = told(kind, trouble.code, trouble.message, trouble.nextStep);
  const message = away ? t('failed.away') : said.sentence || t('failed.unknown');
  const next = away ? t('failed.awayNext') : said.next;
  return (
    <div role="alert" data-testid="failed-card" data-code={trouble.code} className="rounded-md border border-line bg-danger-soft px-4 py-3">
      <div className="flex gap-3">
        <CircleAlert className="mt-0.5 size-4 shrink-0 text-danger" aria-hidden />
        <div className="min-w-0 flex-1">
          <p className="font-medium">{message}</p>
          {next && !message.endsWith(next) && <p className="mt-1 text-quiet">{next}</p>}
          {note && <p className="mt-1 text-quiet">{note}</p>}
          {trouble.requestID && (
            <p className="mt-2 text-xs text-quiet">
              {t('failed.request')} <code className="font-mono">{trouble.requestID}</code>
            </p>
          )}
          <div className="mt-3 flex flex-wrap gap-2">
            {onRetry && (
              <Button size="sm" onClick={onRetry}>
                <RotateCw className="size-3.5" aria-hidden />
                {t('failed.retry')}
              </Button>
            )}
            {children}
            {trouble.requestID && <CopyTextButton size="sm" look="ghost" text={trouble.requestID} label={t('failed.copyRequest')} />}
          </div>
        </div>
      </div>
    </div>
  );
}
