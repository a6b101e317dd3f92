import { useId, type ReactNode } from 'react';
import { Checkbox } from '@/ui/Checkbox';
import { cx } from '@/ui/cx';

interface GroupProps {
  legend: string;
  hint?: ReactNode;
  error?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** Group is several inputs that answer one question. */
export function Group({ legend, hint, error, children, className }: GroupProps) {
  const id = useId();
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <fieldset className={cx('min-w-0', className)} aria-describedby={told || undefined} aria-invalid={error ? true : undefined}>
      <legend className="mb-1.5 font-medium">{legend}</legend>
      <div className="flex flex-col gap-2">{children}</div>
      {hint && (
        <p id={`${id}-hint`} className="mt-1.5 text-xs text-quiet">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="mt-1.5 text-xs text-danger">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface Option<Value extends string> {
  value: Value;
  label: ReactNode;
  hint?: ReactNode;
}

interface RadioProps<Value extends string> {
  legend: string;
  hint?: ReactNode;
  error?: ReactNode;
  /** Empty while nothing is chosen. */
  value: Value | '';
  onChange: (value: Value) => void;
  options: Option<Value>[];
  disabled?: boolean;
}

/** Radios is one of several, each with a word about it. */
export function Radios<Value extends string>({ value, onChange, options, disabled, ...group }: RadioProps<Value>) {
  const name = useId();
  return (
    <Group {...group}>
      {options.map((o) => (
        <label key={o.value} className={cx('flex items-start gap-3 touch:min-h-11', disabled && 'opacity-60')}>
          <input
            type="radio"
            name={name}
            value={o.value}
            checked={value === o.value}
            disabled={disabled}
            onChange={() => onChange(o.value)}
            className="mt-0.5 size-4 shrink-0 appearance-none rounded-full border border-line-control bg-page checked:border-5 checked:border-accent touch:size-6 touch:checked:border-7"
          />
          <span>
            {o.label}
            {o.hint && <span className="block text-xs text-quiet">{o.hint}</span>}
          </span>
        </label>
      ))}
    </Group>
  );
}

interface TicksProps<Value extends string> {
  legend: string;
  hint?: ReactNode;
  error?: ReactNode;
  value: readonly Value[];
  onChange: (value: Value[]) => void;
  options: Option<Value>[];
}

/** Ticks is any of several. */
export function Ticks<Value extends string>({ value, onChange, options, ...group }: TicksProps<Value>) {
  const chosen = options.map((o) => o.value);
  return (
    <Group {...group}>
      {options.map((o) => (
        <Checkbox
          key={o.value}
          checked={value.includes(o.value)}
          onCheckedChange={(on) => onChange(chosen.filter((v) => (v === o.value ? on : value.includes(v))))}
          label={o.label}
          hint={o.hint}
        />
      ))}
    </Group>
  );
}
