import type { ReactNode } from 'react';
import { cx } from './cx';

const looks = {
  neutral: 'bg-hover text-quiet',
  accent: 'bg-accent-soft text-accent',
  ok: 'bg-ok-soft text-ok',
  warn: 'bg-warn-soft text-warn',
  danger: 'bg-danger-soft text-danger',
} as const;

/** A word about the state of something. */
export function Badge({ look = 'neutral', children, className }: { look?: keyof typeof looks; children: ReactNode; className?: string }) {
  return <span className={cx('inline-flex items-center gap-1 rounded-sm px-1.5 py-0.5 text-xs font-medium whitespace-nowrap', looks[look], className)}>{children}</span>;
}
