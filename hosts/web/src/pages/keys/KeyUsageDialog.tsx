import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useKeyUsage, type Key, type KeyUsage } from '@/api/queries/keys';
import { Dialog } from '@/ui/Dialog';
import { EmptyState } from '@/ui/EmptyState';
import { Field } from '@/ui/Field';
import { Select } from '@/ui/Input';
import { Money } from '@/ui/Money';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Table } from '@/ui/Table';
import { useCredits, useDay, useNumber } from '../moment';
import { fill, period } from './sparkline';

const periods = ['30', '90'] as const;
type Period = (typeof periods)[number];

/** KeyUsageDialog tells what a key used, by day. */
export function KeyUsageDialog({ target, onClose }: { target: Key; onClose: () => void }) {
  const { t } = useTranslation('keys');
  const [days, setDays] = useState<Period>('30');
  const { from, to } = period(new Date(), Number(days));
  const usage = useKeyUsage(target.id, from, to);
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={t('usage.title', { name: target.name })} description={t('usage.lead')} width="lg">
      <div className="flex flex-col gap-5">
        <Field label={t('usage.period')} className="desk:max-w-48">
          <Select value={days} onChange={(e) => setDays(e.currentTarget.value as Period)}>
            {periods.map((p) => (
              <option key={p} value={p}>
                {t(`usage.periods.${p}`)}
              </option>
            ))}
          </Select>
        </Field>
        {usage.isPending && <SkeletonRows rows={6} label={t('usage.chart')} />}
        {usage.isError && <ProblemCard error={usage.error} onRetry={() => void usage.refetch()} retrying={usage.isFetching} />}
        {usage.isSuccess && (usage.data.data.length === 0 ? <EmptyState title={t('usage.empty')} /> : <Used usage={usage.data} />)}
      </div>
    </Dialog>
  );
}

function Used({ usage }: { usage: KeyUsage }) {
  const { t } = useTranslation('keys');
  const number = useNumber();
  const day = useDay();
  const rows = [{ ...usage.total, day: '' }, ...usage.data.toReversed()];
  return (
    <>
      <Chart usage={usage} />
      <Table
        caption={t('usage.lead')}
        rows={rows}
        rowKey={(r) => r.day || 'total'}
        columns={[
          { key: 'day', header: t('usage.day'), cell: (r) => (r.day ? <span className="whitespace-nowrap">{day(r.day)}</span> : <strong className="font-semibold">{t('usage.total')}</strong>) },
          { key: 'requests', header: t('usage.requests'), align: 'right', cell: (r) => number(r.requests) },
          { key: 'input', header: t('usage.input'), align: 'right', cell: (r) => number(r.input_tokens) },
          { key: 'cached', header: t('usage.cached'), align: 'right', desk: true, cell: (r) => number(r.cached_tokens) },
          { key: 'output', header: t('usage.output'), align: 'right', cell: (r) => number(r.output_tokens) },
          { key: 'credits', header: t('usage.credits'), align: 'right', cell: (r) => <Money microcredits={r.debited} bare /> },
        ]}
      />
    </>
  );
}

const height = 96;

/** Chart is a bar for each day. The table below says the same in numbers. */
function Chart({ usage }: { usage: KeyUsage }) {
  const { t } = useTranslation('keys');
  const credits = useCredits();
  const day = useDay();
  const days = fill(usage.data.map((d) => ({ day: d.day, value: d.debited })), usage.from, usage.to);
  const peak = days.reduce((most, d) => Math.max(most, d.value), 0);
  return (
    <figure>
      <figcaption className="mb-2 text-xs text-quiet">{t('usage.chart')}</figcaption>
      <svg
        role="img"
        aria-label={t('usage.chartLabel', { from: day(usage.from), to: day(usage.to), peak: credits(peak) })}
        viewBox={`0 0 ${days.length} ${height}`}
        preserveAspectRatio="none"
        className="block h-24 w-full border-b border-line-strong text-accent"
      >
        {days.map((d, i) => {
          const tall = peak > 0 ? Math.max(d.value > 0 ? 2 : 0, (d.value / peak) * height) : 0;
          return (
            <rect key={d.day} x={i + 0.15} width={0.7} y={height - tall} height={tall} fill="currentColor">
              <title>{`${day(d.day)}: ${credits(d.value)}`}</title>
            </rect>
          );
        })}
      </svg>
      <div className="mt-1 flex justify-between text-xs text-faint">
        <span>{day(usage.from)}</span>
        <span>{day(usage.to)}</span>
      </div>
    </figure>
  );
}
