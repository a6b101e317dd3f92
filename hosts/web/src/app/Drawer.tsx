import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { scrim } from '@/ui/Dialog';
import { IconButton } from '@/ui/IconButton';

/** Begins at the drawer itself: a ring around its first link would be in the way. */
function toWindow(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}

/** The sidebar of phones: it comes in from the left, over the page. */
export function Drawer({ open, onOpenChange, children }: { open: boolean; onOpenChange: (open: boolean) => void; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <Radix.Content
          aria-describedby={undefined}
          onOpenAutoFocus={toWindow}
          className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col border-r border-line bg-sunken pb-[env(safe-area-inset-bottom)] outline-none animate-slide"
        >
          <Radix.Title className="sr-only">{t('nav.drawer')}</Radix.Title>
          {children}
          <Radix.Close asChild>
            <IconButton icon={X} label={t('nav.close')} className="absolute top-2 right-2" />
          </Radix.Close>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
