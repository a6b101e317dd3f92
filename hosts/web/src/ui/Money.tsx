import { useTranslation } from 'react-i18next';
import { cx } from './cx';

const microcredits = 1_000_000;

/** Credits in words: two decimals, more where it is less than a hundredth. */
export function formatCredits(amount: number, language: string): string {
  const credits = amount / microcredits;
  const small = amount !== 0 && Math.abs(credits) < 0.01;
  return new Intl.NumberFormat(language, { minimumFractionDigits: small ? 0 : 2, maximumFractionDigits: small ? 6 : 2 }).format(credits);
}

interface Props {
  microcredits: number;
  /** The number alone, where its column says what it counts. */
  bare?: boolean;
  className?: string;
}

/** An amount of credits. Pointing at it shows it exactly. */
export function Money({ microcredits: amount, bare = false, className }: Props) {
  const { t, i18n } = useTranslation();
  const exact = new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 6 }).format(amount / microcredits);
  const text = formatCredits(amount, i18n.language);
  return (
    <span className={cx('whitespace-nowrap tabular-nums', className)} title={t('ui.credits', { amount: exact })}>
      {bare ? text : t('ui.credits', { amount: text })}
    </span>
  );
}
