import { useTranslation } from 'react-i18next';
import { Dialog } from '@/ui/Dialog';
import { Kbd } from '@/ui/Kbd';
import { keyNames, useShortcuts } from './shortcuts';

/** Lists the shortcuts that are in force. */
export default function HelpSheet({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const { t } = useTranslation();
  const shortcuts = useShortcuts();
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={t('help.title')} width="sm">
      <dl className="flex flex-col">
        {shortcuts.map(({ keys, text }) => (
          <div key={keys} className="flex items-center justify-between gap-4 border-b border-line py-2 last:border-0">
            <dt>{text}</dt>
            <dd className="flex gap-1">
              {keyNames(keys).map((key, at) => (
                <Kbd key={at}>{key}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
