import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/ui/IconButton';
import type { Message } from './types';
import { useView } from './view';

/** Goes through the versions of a message, where there are several. */
export function Branches({ message }: { message: Message }) {
  const { t } = useTranslation('chat');
  const { choose, conversation } = useView();
  const { versions } = message;
  if (versions.length < 2) return null;
  const at = versions.indexOf(message.id);
  const to = (i: number) => {
    const id = versions[i];
    if (id !== undefined) choose(id);
  };
  return (
    <div className="flex items-center" role="group" aria-label={t('branch.label')}>
      <IconButton icon={ChevronLeft} size="sm" label={t('branch.previous')} disabled={at <= 0 || conversation.sending} onClick={() => to(at - 1)} />
      <span
        className="min-w-8 text-center text-xs text-quiet tabular-nums"
        aria-label={t('branch.at', { n: at + 1, of: versions.length })}
        role="img"
      >
        {at + 1}/{versions.length}
      </span>
      <IconButton
        icon={ChevronRight}
        size="sm"
        label={t('branch.next')}
        disabled={at >= versions.length - 1 || conversation.sending}
        onClick={() => to(at + 1)}
      />
    </div>
  );
}
