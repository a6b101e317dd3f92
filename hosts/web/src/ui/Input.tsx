import { ChevronDown } from 'lucide-react';
import type { ComponentProps } from 'react';
import { cx } from './cx';
import { useField } from './Field';

/* 16 px on touch: browsers of phones zoom into smaller ones. */
const box =
  'w-full rounded-md border border-line-control bg-page text-sm text-ink touch:text-base disabled:opacity-50 ' +
  'focus-visible:outline-offset-0 aria-invalid:border-danger';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...useField()} className={cx(box, 'h-9 px-3 touch:h-11', className)} {...rest} />;
}

export function Textarea({ className, ...rest }: ComponentProps<'textarea'>) {
  return <textarea rows={4} {...useField()} className={cx(box, 'resize-y px-3 py-2', className)} {...rest} />;
}

/** The browser's own list: phones have a good one. Children are <option>s. */
export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={cx('relative block', className)}>
      <select {...useField()} className={cx(box, 'h-9 appearance-none pr-9 pl-3 touch:h-11')} {...rest}>
        {children}
      </select>
      <ChevronDown className="pointer-events-none absolute top-1/2 right-3 size-4 -translate-y-1/2 text-quiet" aria-hidden />
    </span>
  );
}
