import { cx } from '@/ui/cx';

interface Props<Value extends string> {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  options: { value: Value; label: string }[];
}

/** Segments chooses one of a few views of a list. */
export function Segments<Value extends string>({ label, value, onChange, options }: Props<Value>) {
  return (
    <div role="group" aria-label={label} className="inline-flex max-w-full overflow-x-auto rounded-md border border-line bg-sunken p-0.5">
      {options.map((o) => (
        <button
          key={o.value}
          type="button"
          aria-pressed={o.value === value}
          onClick={() => onChange(o.value)}
          className={cx(
            'min-h-7 rounded-sm px-3 text-xs font-medium whitespace-nowrap focus-visible:-outline-offset-2 touch:min-h-10 touch:text-sm',
            o.value === value ? 'bg-page text-ink ring-1 ring-line-strong' : 'text-quiet hover:text-ink',
          )}
        >
          {o.label}
        </button>
      ))}
    </div>
  );
}
