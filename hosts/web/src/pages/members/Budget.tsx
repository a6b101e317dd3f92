import { useTranslation } from 'react-i18next';
import type { Limit } from '@/api/queries/members';
import { Button } from '@/ui/Button';
import { useCredits, useMoment, useNumber } from '../moment';

interface Props {
  limits: readonly Limit[];
  onEdit: () => void;
}

/** Budget is what bounds the account as a whole: what it set itself, and what its operator did. */
export function Budget({ limits, onEdit }: Props) {
  const { t } = useTranslation('members');
  const bounds = limits.filter((l) => l.of === 'account' || l.of === 'operator');
  const own = bounds.some((l) => l.of === 'account');
  return (
    <section aria-labelledby="budget" className="rounded-md border border-line px-4 py-3">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <div className="min-w-0">
          <h2 id="budget" className="font-medium">
            {t('budget.title')}
          </h2>
          {bounds.length === 0 && <p className="mt-1 text-quiet">{t('budget.none')}</p>}
        </div>
        <Button size="sm" onClick={onEdit}>
          {own ? t('budget.edit') : t('budget.add')}
        </Button>
      </div>
      {bounds.length > 0 && (
        <ul className="mt-2 flex flex-col gap-3">
          {bounds.map((l) => (
            <Bound key={l.of} limit={l} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Bound({ limit }: { limit: Limit }) {
  const { t } = useTranslation('members');
  const credits = useCredits();
  const moment = useMoment();
  return (
    <li>
      {limit.monthly > 0 && (
        <>
          <p>
            {t('budget.monthly', { spent: credits(limit.spent), cap: credits(limit.monthly) })}. <span className="text-quiet">{t('budget.resets', { at: moment(limit.resets_at) })}.</span>
          </p>
          <progress
            className="mt-1.5 block h-1.5 w-full max-w-md appearance-none overflow-hidden rounded-sm bg-hover [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-hover [&::-webkit-progress-value]:bg-accent"
            aria-label={t('budget.title')}
            max={limit.monthly}
            value={Math.min(limit.spent, limit.monthly)}
          />
        </>
      )}
      <Rates limit={limit} />
      <p className="mt-1 text-xs text-quiet">{limit.of === 'operator' ? t('budget.operator') : t('budget.own')}</p>
    </li>
  );
}

/** Rates are the bounds by the minute, if there are any. */
export function Rates({ limit }: { limit: Limit }) {
  const { t } = useTranslation('members');
  const number = useNumber();
  const rates = [
    limit.requests_per_minute > 0 && t('rates.requests', { value: number(limit.requests_per_minute) }),
    limit.tokens_per_minute > 0 && t('rates.tokens', { value: number(limit.tokens_per_minute) }),
  ].filter(Boolean);
  return rates.length > 0 ? <p className="text-quiet">{rates.join(' · ')}</p> : null;
}
