import { CircleAlert, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf, wantsFresh } from '@/api/problem';
import { caseText } from '@/app/support';
import { signInAgain } from '@/app/signIn';
import { told } from '@/i18n/told';
import { Button } from './Button';
import { CopyTextButton } from './CopyButton';

interface Props {
  error: unknown;
  /** What was tried, such as "The keys could not be loaded". The problem's own words come after it. */
  title?: string;
  /** Offers to try again. */
  onRetry?: () => void;
  retrying?: boolean;
  /** Further buttons. */
  children?: ReactNode;
  'data-testid'?: string;
}

/** Says what went wrong, what to do about it, and the request to name. */
export function ProblemCard({ error, title, onRetry, retrying = false, children, ...rest }: Props) {
  const { t } = useTranslation();
  const problem = problemOf(error);
  const unreachable = problem.code === 'unreachable';
  const { sentence, next } = told('problems', problem.code, problem.detail, problem.next_step);
  const advice = unreachable ? t('problem.unreachableNext') : wantsFresh(problem) ? t('problem.freshNext') : next;
  return (
    <div role="alert" className="rounded-md border border-line bg-danger-soft px-4 py-3" {...rest}>
      <div className="flex gap-3">
        <CircleAlert className="mt-0.5 size-4 shrink-0 text-danger" aria-hidden />
        <div className="min-w-0 flex-1">
          {title && <p className="font-medium">{title}</p>}
          <p className={title ? 'mt-1' : 'font-medium'}>{unreachable ? t('problem.unreachable') : sentence}</p>
          {advice && <p className="mt-1 text-quiet">{advice}</p>}
          {problem.request_id && (
            <p className="mt-2 text-xs text-quiet">
              {t('problem.request')} <code className="font-mono">{problem.request_id}</code>
            </p>
          )}
          <div className="mt-3 flex flex-wrap gap-2">
            {wantsFresh(problem) && (
              <Button size="sm" look="primary" onClick={signInAgain}>
                {t('problem.fresh')}
              </Button>
            )}
            {onRetry && (
              <Button size="sm" busy={retrying} onClick={onRetry}>
                {!retrying && <RotateCw className="size-3.5" aria-hidden />}
                {t('problem.retry')}
              </Button>
            )}
            {children}
            {!unreachable && <CopyTextButton size="sm" look="ghost" text={caseText(problem)} label={t('problem.copy')} />}
          </div>
        </div>
      </div>
    </div>
  );
}
