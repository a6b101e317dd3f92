import { AlertDialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { panel, scrim } from './Dialog';
import { cx } from './cx';

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** The question. */
  title: string;
  /** What comes of it. */
  description: ReactNode;
  /** The name of the deed, such as "Revoke key". */
  confirm: string;
  onConfirm: () => void;
  /** While it is under way the dialog stays; its owner closes it. */
  busy?: boolean;
  look?: 'danger' | 'primary';
  children?: ReactNode;
}

/** Asks before what cannot be undone. Escape and Cancel leave all as it was. */
export function AlertDialog({ open, onOpenChange, title, description, confirm, onConfirm, busy = false, look = 'danger', children }: Props) {
  const { t } = useTranslation();
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <Radix.Content className={cx(panel, 'desk:max-w-md')}>
          <div className="min-h-0 flex-1 overflow-y-auto px-6 pt-5 pb-4">
            <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
            <Radix.Description className="mt-2 text-quiet">{description}</Radix.Description>
            {children && <div className="mt-4">{children}</div>}
          </div>
          <div className="flex flex-wrap justify-end gap-2 border-t border-line px-6 py-4">
            <Radix.Cancel asChild>
              <Button disabled={busy}>{t('ui.cancel')}</Button>
            </Radix.Cancel>
            <Button look={look} busy={busy} onClick={onConfirm}>
              {confirm}
            </Button>
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
