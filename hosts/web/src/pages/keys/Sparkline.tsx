import { cx } from '@/ui/cx';
import type { Spark } from './sparkline';

/** Sparkline draws the shape of a period: a line, with the area below it tinted. */
export function Sparkline({ spark, width, height, label }: { spark: Spark; width: number; height: number; label: string }) {
  return (
    <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`} className={cx('block overflow-visible', spark.total > 0 ? 'text-accent' : 'text-line-strong')}>
      <title>{label}</title>
      <path d={spark.area} fill="currentColor" opacity="0.12" />
      <path d={spark.line} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}
