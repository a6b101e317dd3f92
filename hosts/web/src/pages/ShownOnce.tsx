import { useId } from 'react';
import { CopyTextButton } from '@/ui/CopyButton';

interface Props {
  /** What it is, such as "API key". */
  label: string;
  text: string;
  copy: string;
  testid?: string;
}

/** ShownOnce is a secret that cannot be had again: selected by a press, copied by a button. */
export function ShownOnce({ label, text, copy, testid }: Props) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block font-medium">
        {label}
      </label>
      <div className="flex flex-wrap gap-2">
        <input
          id={id}
          readOnly
          value={text}
          data-testid={testid}
          autoComplete="off"
          spellCheck={false}
          // Its beginning stays in sight.
          onFocus={({ currentTarget }) => {
            currentTarget.setSelectionRange(0, text.length, 'backward');
            requestAnimationFrame(() => currentTarget.scrollTo({ left: 0 }));
          }}
          className="h-9 min-w-0 flex-1 basis-64 rounded-md border border-line-control bg-sunken px-3 font-mono text-sm text-ink touch:h-11 touch:text-base"
        />
        <CopyTextButton text={text} label={copy} look="primary" className="grow desk:grow-0" />
      </div>
    </div>
  );
}
