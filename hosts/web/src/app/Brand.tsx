import { cx } from '@/ui/cx';

/** The sign of the service and its name. */
export function Brand({ className }: { className?: string }) {
  return (
    <span className={cx('flex items-center gap-2 font-semibold', className)}>
      <svg viewBox="0 0 24 24" className="size-5 shrink-0 text-accent" aria-hidden>
        <path fill="currentColor" d="M8 0h8a8 8 0 0 1 8 8v8a8 8 0 0 1-8 8H2a2 2 0 0 1-2-2V8a8 8 0 0 1 8-8z" />
      </svg>
      ArchibotChat
    </span>
  );
}
