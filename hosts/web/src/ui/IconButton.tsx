import type { LucideIcon } from 'lucide-react';
import type { ComponentProps } from 'react';
import { cx } from './cx';
import { Tooltip } from './Tooltip';

export interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  icon: LucideIcon;
  /** Its accessible name, which is shown when it is pointed at. */
  label: string;
  /** Keys that do the same, such as "Ctrl K". */
  keys?: string;
  look?: 'ghost' | 'outline' | 'primary' | 'danger';
  size?: 'sm' | 'md';
  side?: 'top' | 'right' | 'bottom' | 'left';
}

const looks = {
  ghost: 'text-quiet hover:bg-hover hover:text-ink',
  outline: 'border border-line-control text-quiet hover:bg-hover hover:text-ink',
  primary: 'bg-accent text-on-accent hover:bg-accent-hover',
  danger: 'text-danger hover:bg-danger-soft',
} as const;

export function IconButton({ icon: Icon, label, keys, look = 'ghost', size = 'md', side, className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} keys={keys} side={side}>
      <button
        type="button"
        aria-label={label}
        className={cx(
          'inline-flex shrink-0 items-center justify-center rounded-md transition-colors disabled:opacity-50 touch:size-11',
          size === 'sm' ? 'size-7' : 'size-9',
          looks[look],
          className,
        )}
        {...rest}
      >
        <Icon className="size-4" aria-hidden />
      </button>
    </Tooltip>
  );
}
