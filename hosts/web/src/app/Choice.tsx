import type { LucideIcon } from 'lucide-react';
import { ToggleGroup } from 'radix-ui';

interface Props<Value extends string> {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  options: readonly { value: Value; label: string; icon?: LucideIcon }[];
}

/** One of a few, side by side. */
export function Choice<Value extends string>({ label, value, onChange, options }: Props<Value>) {
  return (
    <ToggleGroup.Root type="single" value={value} aria-label={label} onValueChange={(next) => next && onChange(next as Value)} className="flex gap-0.5 rounded-md bg-hover p-0.5">
      {options.map(({ value: one, label: text, icon: Icon }) => (
        <ToggleGroup.Item
          key={one}
          value={one}
          className="flex min-h-7 flex-1 items-center justify-center gap-1.5 rounded-sm border border-transparent px-1 text-xs whitespace-nowrap text-quiet hover:text-ink data-[state=on]:border-line-strong data-[state=on]:bg-page data-[state=on]:font-medium data-[state=on]:text-ink touch:min-h-11"
        >
          {Icon && <Icon className="size-3.5" aria-hidden />}
          {text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
