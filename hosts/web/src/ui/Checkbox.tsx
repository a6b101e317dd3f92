import { Check } from 'lucide-react';
import { Checkbox as RadixCheckbox } from 'radix-ui';
import { useId, type ReactNode } from 'react';
import { cx } from './cx';

interface CheckboxProps {
  checked: boolean;
  onCheckedChange: (checked: boolean) => void;
  label: ReactNode;
  hint?: ReactNode;
  disabled?: boolean;
  className?: string;
}

/** A box to tick, with its label beside it. */
export function Checkbox({ checked, onCheckedChange, label, hint, disabled, className }: CheckboxProps) {
  const id = useId();
  return (
    <div className={cx('flex items-start gap-3 touch:min-h-11 touch:items-center', className)}>
      <RadixCheckbox.Root
        id={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={(next) => onCheckedChange(next === true)}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="mt-0.5 flex size-4 shrink-0 items-center justify-center rounded-sm border border-line-control bg-page data-[state=checked]:border-accent data-[state=checked]:bg-accent touch:size-6"
      >
        <RadixCheckbox.Indicator>
          <Check className="size-3 text-on-accent touch:size-4" strokeWidth={3} aria-hidden />
        </RadixCheckbox.Indicator>
      </RadixCheckbox.Root>
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <p id={`${id}-hint`} className="text-xs text-quiet">
            {hint}
          </p>
        )}
      </div>
    </div>
  );
}
