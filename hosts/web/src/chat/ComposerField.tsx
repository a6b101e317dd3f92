import { useAui, useAuiState } from '@assistant-ui/react';
import { flushTapSync } from '@assistant-ui/tap';
import { type ComponentProps, type RefObject, useEffect, useLayoutEffect } from 'react';

interface Props extends Omit<ComponentProps<'textarea'>, 'ref' | 'value' | 'onChange'> {
  ref: RefObject<HTMLTextAreaElement | null>;
}

/**
 * The runtime's composer as a field that grows with its text. It is ours because
 * assistant-ui's brings a fifth of the budget of scripts with it.
 */
export function ComposerField({ ref, ...rest }: Props) {
  const aui = useAui();
  const text = useAuiState((s) => s.composer.text);
  useLayoutEffect(() => {
    if (ref.current) fit(ref.current);
  }, [ref, text]);
  useEffect(() => {
    const field = ref.current;
    if (!field) return;
    let width = field.clientWidth;
    const narrowed = new ResizeObserver(() => {
      if (field.clientWidth === width) return;
      width = field.clientWidth;
      fit(field);
    });
    narrowed.observe(field);
    return () => narrowed.disconnect();
  }, [ref]);
  // At once, or the cursor would jump and input methods lose their place.
  const write = (value: string) => flushTapSync(() => aui.composer.setText(value));
  return (
    <textarea
      {...rest}
      ref={ref}
      value={text}
      rows={1}
      onChange={(e) => write(e.target.value)}
      onCompositionEnd={(e) => write(e.currentTarget.value)}
    />
  );
}

/** Makes the field as high as its text. */
function fit(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}
