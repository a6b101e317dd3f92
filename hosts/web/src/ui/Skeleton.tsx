import { cx } from './cx';

/** Where something will stand. Its place says with aria-busy that it comes. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden data-testid="skeleton" className={cx('animate-pulse rounded-md bg-hover', className ?? 'h-4 w-full')} />;
}

/** Lines of a list that is on its way. */
export function SkeletonRows({ rows = 5, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="flex flex-col gap-3 py-1">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} className="h-9 w-full" />
      ))}
    </div>
  );
}
