import { Tooltip as Radix } from 'radix-ui';
import type { ReactElement } from 'react';

export const TooltipProvider = Radix.Provider;

interface Props {
  text: string;
  keys?: string | undefined;
  side?: 'top' | 'right' | 'bottom' | 'left' | undefined;
  /** One element that takes a ref and props. */
  children: ReactElement;
}

/** Says what something is when it is pointed at or has the focus. Never the only name of it. */
export function Tooltip({ text, keys, side, children }: Props) {
  return (
    <Radix.Root>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-60 flex max-w-xs items-center gap-2 rounded-md bg-ink px-2 py-1 text-xs text-page animate-in"
        >
          {text}
          {keys && <kbd className="font-sans opacity-80">{keys}</kbd>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
