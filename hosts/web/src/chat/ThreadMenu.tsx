import { Archive, ArchiveRestore, Copy, Download, Pencil, Pin, PinOff, RotateCcw, Trash2 } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { exportAddress } from '@/api/queries/chat';
import { copy } from '@/ui/CopyButton';
import { Menu, MenuItem, MenuSeparator } from '@/ui/Menu';
import { toast } from '@/ui/toast';
import type { Thread } from './types';
import { useThreadDeeds } from './useThreadDeeds';

interface Props {
  thread: Thread;
  trigger: ReactElement;
  onRename?: () => void;
  align?: 'start' | 'end';
  children?: ReactNode;
}

/** C1: what can be done with a thread. */
export function ThreadMenu({ thread, trigger, onRename, align = 'end', children }: Props) {
  const { t } = useTranslation('chat');
  const { change, remove, restore } = useThreadDeeds();
  const copyID = async () => {
    const done = await copy(thread.id);
    toast({ title: t(done ? 'thread.copied' : 'thread.notCopied'), look: done ? 'ok' : 'danger' });
  };
  if (thread.deleted_at !== undefined) {
    return (
      <Menu trigger={trigger}>
        <MenuItem icon={RotateCcw} onSelect={() => restore(thread, false)}>
          {t('thread.restore')}
        </MenuItem>
        <MenuItem icon={Copy} onSelect={() => void copyID()}>
          {t('thread.copyID')}
        </MenuItem>
      </Menu>
    );
  }
  return (
    <Menu trigger={trigger} align={align}>
      {children}
      {onRename && (
        <MenuItem icon={Pencil} onSelect={onRename}>
          {t('thread.rename')}
        </MenuItem>
      )}
      <MenuItem icon={thread.pinned ? PinOff : Pin} onSelect={() => change(thread, { pinned: !thread.pinned })}>
        {t(thread.pinned ? 'thread.unpin' : 'thread.pin')}
      </MenuItem>
      <MenuItem
        icon={thread.archived ? ArchiveRestore : Archive}
        onSelect={() => change(thread, { archived: !thread.archived }, t(thread.archived ? 'thread.unarchived' : 'thread.archived'))}
      >
        {t(thread.archived ? 'thread.unarchive' : 'thread.archive')}
      </MenuItem>
      <MenuSeparator />
      <Export thread={thread} format="markdown" label={t('thread.exportMarkdown')} />
      <Export thread={thread} format="json" label={t('thread.exportJSON')} />
      <MenuItem icon={Copy} onSelect={() => void copyID()}>
        {t('thread.copyID')}
      </MenuItem>
      <MenuSeparator />
      <MenuItem icon={Trash2} look="danger" onSelect={() => remove(thread)}>
        {t('thread.delete')}
      </MenuItem>
    </Menu>
  );
}

function Export({ thread, format, label }: { thread: Thread; format: 'markdown' | 'json'; label: string }) {
  return (
    <MenuItem asChild>
      <a href={exportAddress(thread.id, format)} download>
        <Download className="size-4 shrink-0 text-quiet" aria-hidden />
        <span className="min-w-0 flex-1">{label}</span>
      </a>
    </MenuItem>
  );
}
