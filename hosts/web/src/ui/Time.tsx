import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** How long ago, or how far ahead, in words. */
export function formatRelative(at: Date, now: Date, language: string): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return words.format(0, 'second');
}

// One clock for all, which ticks while anything looks at it.
let now = Date.now();
const seers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function see(tick: () => void): () => void {
  seers.add(tick);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    seers.forEach((one) => one());
  }, 30_000);
  return () => {
    seers.delete(tick);
    if (seers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

const forms: Record<'date' | 'moment' | 'clock', Intl.DateTimeFormatOptions> = {
  date: { dateStyle: 'medium' },
  moment: { dateStyle: 'medium', timeStyle: 'short' },
  clock: { timeStyle: 'medium' },
};

interface Props {
  /** RFC 3339, as the API gives it. */
  at: string;
  form?: 'relative' | keyof typeof forms;
  className?: string;
}

/** A point in time, in the reader's language and zone. Pointing at it shows it whole. */
export function Time({ at, form = 'relative', className }: Props) {
  const { i18n } = useTranslation();
  const current = useSyncExternalStore(see, () => now);
  const date = new Date(at);
  const whole = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full', timeStyle: 'long' }).format(date);
  const text = form === 'relative' ? formatRelative(date, new Date(current), i18n.language) : new Intl.DateTimeFormat(i18n.language, forms[form]).format(date);
  return (
    <time dateTime={at} title={whole} className={className}>
      {text}
    </time>
  );
}
