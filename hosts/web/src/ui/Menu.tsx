import { Check, type LucideIcon } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import { type ReactElement, type ReactNode, useRef, useState } from 'react';
import { cx } from './cx';

const item =
  'flex min-h-8 w-full cursor-default items-center gap-2 rounded-sm px-2 text-sm outline-none select-none touch:min-h-11 ' +
  'data-[highlighted]:bg-hover data-[disabled]:opacity-50';

interface MenuProps {
  /** The button that opens it. */
  trigger: ReactElement;
  children: ReactNode;
  align?: 'start' | 'center' | 'end';
  side?: 'top' | 'right' | 'bottom' | 'left';
  className?: string;
}

const landmarks = '[role="dialog"], main, header, aside';

/**
 * A list of deeds behind a button. Arrows and letters choose. It stands in the
 * part of the page that its button stands in, so that whoever goes by landmarks
 * finds it there, and nothing is hidden from them meanwhile; a press beside it
 * closes it and does nothing else.
 */
export function Menu({ trigger, children, align = 'end', side, className }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [home, setHome] = useState<HTMLElement | null>(null);
  return (
    <Radix.Root
      modal={false}
      open={open}
      onOpenChange={(next) => {
        if (next) setHome(button.current?.closest<HTMLElement>(landmarks) ?? null);
        setOpen(next);
      }}
    >
      <Radix.Trigger asChild ref={button}>
        {trigger}
      </Radix.Trigger>
      <Radix.Portal container={home}>
        <div className="contents">
          <div className="fixed inset-0 z-40" aria-hidden />
          <Radix.Content
            align={align}
            side={side}
            sideOffset={4}
            collisionPadding={8}
            onCloseAutoFocus={() => button.current?.focus()}
            className={cx(
              'z-50 max-h-(--radix-dropdown-menu-content-available-height) min-w-48 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-float animate-in',
              className,
            )}
          >
            {children}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ItemProps {
  icon?: LucideIcon;
  children: ReactNode;
  onSelect?: (event: Event) => void;
  disabled?: boolean;
  look?: 'danger';
  keys?: string;
  /** The child, such as a link, is the item. */
  asChild?: boolean;
}

export function MenuItem({ icon: Icon, children, look, keys, asChild, ...rest }: ItemProps) {
  const names = cx(item, look === 'danger' && 'text-danger data-[highlighted]:bg-danger-soft');
  if (asChild) {
    return (
      <Radix.Item asChild className={names} {...rest}>
        {children}
      </Radix.Item>
    );
  }
  return (
    <Radix.Item className={names} {...rest}>
      {Icon && <Icon className="size-4 shrink-0 text-quiet" aria-hidden />}
      <span className="min-w-0 flex-1">{children}</span>
      {keys && <kbd className="font-sans text-xs text-faint">{keys}</kbd>}
    </Radix.Item>
  );
}

interface RadioProps<Value extends string> {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  options: { value: Value; label: ReactNode; icon?: LucideIcon }[];
}

/** One of several. */
export function MenuRadio<Value extends string>({ label, value, onChange, options }: RadioProps<Value>) {
  return (
    <Radix.RadioGroup value={value} onValueChange={(next) => onChange(next as Value)} aria-label={label}>
      {options.map(({ value: one, label: text, icon: Icon }) => (
        <Radix.RadioItem key={one} value={one} className={item} onSelect={(event) => event.preventDefault()}>
          {Icon && <Icon className="size-4 shrink-0 text-quiet" aria-hidden />}
          <span className="min-w-0 flex-1">{text}</span>
          <Radix.ItemIndicator>
            <Check className="size-4" aria-hidden />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-2 pb-1 text-xs font-medium text-faint">{children}</Radix.Label>;
}

export function MenuSeparator() {
  return <Radix.Separator className="-mx-1 my-1 h-px bg-line" />;
}
