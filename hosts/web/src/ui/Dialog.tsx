import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from './cx';
import { IconButton } from './IconButton';

export const scrim = 'fixed inset-0 z-40 bg-scrim animate-in';
export const panel =
  'fixed z-50 flex max-h-[calc(100dvh-2rem)] flex-col border border-line bg-raised shadow-float animate-in focus:outline-none ' +
  'inset-x-0 bottom-0 rounded-t-xl pb-[env(safe-area-inset-bottom)] ' +
  'desk:inset-auto desk:top-1/2 desk:left-1/2 desk:w-full desk:-translate-x-1/2 desk:-translate-y-1/2 desk:rounded-xl desk:pb-0';

const widths = { sm: 'desk:max-w-md', md: 'desk:max-w-xl', lg: 'desk:max-w-3xl' } as const;

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** A sentence under the title, which screen readers say with it. */
  description?: ReactNode;
  children?: ReactNode;
  /** Buttons, the one that does it last. */
  footer?: ReactNode;
  width?: keyof typeof widths;
  /** False: a press beside it does not close it, as where typed text would be lost. */
  dismissable?: boolean;
  /** Where the focus begins: at the first input, or at the window, where a phone's keyboard would cover what is read. */
  begin?: 'input' | 'window';
}

/** Begins at the first input, or at the window itself, so that it is read from its title on. */
function toFirstInput(event: Event): void {
  const window = event.currentTarget;
  if (!(window instanceof HTMLElement)) return;
  event.preventDefault();
  (window.querySelector<HTMLElement>('input:not([type=hidden]), textarea, select') ?? window).focus();
}

function toWindow(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}

/** A window before the page; on phones a sheet at its foot. */
export function Dialog({ open, onOpenChange, title, description, children, footer, width = 'md', dismissable = true, begin = 'input' }: Props) {
  const { t } = useTranslation();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <Radix.Content
          className={cx(panel, widths[width])}
          onOpenAutoFocus={begin === 'input' ? toFirstInput : toWindow}
          onInteractOutside={dismissable ? undefined : (event) => event.preventDefault()}
          {...(description ? {} : { 'aria-describedby': undefined })}
        >
          <div className="flex items-start justify-between gap-4 px-6 pt-5">
            <div>
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description && <Radix.Description className="mt-1 text-quiet">{description}</Radix.Description>}
            </div>
            <Radix.Close asChild>
              <IconButton icon={X} label={t('ui.close')} size="sm" className="-mr-2" />
            </Radix.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-6 py-4">{children}</div>
          {footer && <div className="flex flex-wrap justify-end gap-2 border-t border-line px-6 py-4">{footer}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
