import { WifiOff } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useLine } from './online';

/** Says that the network or the server is gone, until it is back. */
export function OfflineNotice() {
  const { t } = useTranslation();
  const line = useLine();
  return (
    <div role="status">
      {line !== 'up' && (
        <p className="flex items-center justify-center gap-2 border-b border-line bg-warn-soft px-4 py-2 text-warn">
          <WifiOff className="size-4 shrink-0" aria-hidden />
          {t(line === 'offline' ? 'offline.network' : 'offline.server')}
        </p>
      )}
    </div>
  );
}
