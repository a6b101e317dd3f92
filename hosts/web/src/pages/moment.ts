// Points in time and amounts within sentences; beside them stand ui/Time and ui/Money.

import { useTranslation } from 'react-i18next';
import { formatCredits } from '@/ui/Money';

/** useMoment writes a point in time in the reader's language and zone. */
export function useMoment(): (at: string | Date) => string {
  const { i18n } = useTranslation();
  const format = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  return (at) => format.format(new Date(at));
}

/** useDay writes a day of UTC, such as 2026-03-01. */
export function useDay(): (day: string) => string {
  const { i18n } = useTranslation();
  const format = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeZone: 'UTC' });
  return (day) => format.format(new Date(`${day}T00:00:00Z`));
}

/** useCredits writes microcredits as credits, without the word. */
export function useCredits(): (microcredits: number) => string {
  const { i18n } = useTranslation();
  return (amount) => formatCredits(amount, i18n.language);
}

/** useNumber writes a count. */
export function useNumber(): (n: number) => string {
  const { i18n } = useTranslation();
  const format = new Intl.NumberFormat(i18n.language);
  return (n) => format.format(n);
}
