import { Coins } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useBalance } from '@/api/queries/me';
import { cx } from '@/ui/cx';
import { formatCredits, Money } from '@/ui/Money';
import { Popover } from '@/ui/Popover';
import { ProblemCard } from '@/ui/ProblemCard';
import { Skeleton } from '@/ui/Skeleton';
import { useDesk } from './media';

/** What is left to spend, always in sight; its parts behind it. */
export function Balance() {
  const { t, i18n } = useTranslation();
  const balance = useBalance();
  const desk = useDesk();
  if (balance.isPending) return balance.fetchStatus === 'idle' ? null : <Skeleton className="h-5 w-24" />;
  const found = balance.data;
  const text = found ? t('ui.credits', { amount: formatCredits(found.available, i18n.language) }) : t('balance.unknown');
  const lines = found && [
    [t('balance.available'), found.available],
    [t('balance.held'), found.held],
    [t('balance.expired'), found.expired],
    [t('balance.booked'), found.balance],
  ] as const;
  return (
    <Popover
      label={t('balance.title')}
      align="end"
      className="w-72 p-4"
      trigger={
        <button
          type="button"
          data-testid="balance"
          aria-label={t('balance.label', { amount: text })}
          className={cx(
            'inline-flex min-h-9 items-center gap-2 rounded-md px-2 whitespace-nowrap tabular-nums hover:bg-hover touch:min-h-11',
            found?.available === 0 ? 'font-medium text-danger' : 'text-quiet',
          )}
        >
          <Coins className="size-4" aria-hidden />
          {found && !desk ? formatCredits(found.available, i18n.language) : text}
        </button>
      }
    >
      {lines ? (
        <>
          <h2 className="mb-2 font-medium">{t('balance.inCredits')}</h2>
          <dl>
            {lines.map(([name, amount]) => (
              <div key={name} className="flex justify-between gap-4 border-b border-line py-1.5 last:border-0">
                <dt className="text-quiet">{name}</dt>
                <dd>
                  <Money microcredits={amount} bare />
                </dd>
              </div>
            ))}
          </dl>
        </>
      ) : (
        <ProblemCard error={balance.error} title={t('balance.failed')} onRetry={() => void balance.refetch()} retrying={balance.isFetching} />
      )}
    </Popover>
  );
}
