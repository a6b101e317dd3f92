import { Link } from '@tanstack/react-router';
import { Ellipsis, Pin } from 'lucide-react';
import { memo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from '@/ui/cx';
import { IconButton } from '@/ui/IconButton';
import { RenameField } from './RenameField';
import { ThreadMenu } from './ThreadMenu';
import type { Thread } from './types';

/** A thread in the list, which can be renamed where it stands. */
export const ThreadItem = memo(function ThreadItem({ thread, active }: { thread: Thread; active: boolean }) {
  const { t } = useTranslation('chat');
  const [renaming, setRenaming] = useState(false);
  const title = thread.title || t('thread.untitled');
  const deleted = thread.deleted_at !== undefined;
  if (renaming) {
    return (
      <li className="p-0.5">
        <RenameField thread={thread} onDone={() => setRenaming(false)} />
      </li>
    );
  }
  const inside = (
    <>
      {thread.running_turn !== undefined && (
        <span className="size-2 shrink-0 animate-pulse rounded-full bg-accent" role="img" aria-label={t('thread.running')} />
      )}
      <span className="min-w-0 flex-1 truncate">{title}</span>
      {thread.pinned && <Pin className="size-3.5 shrink-0 text-faint" aria-label={t('thread.pinned')} />}
    </>
  );
  const names = 'flex min-h-8 min-w-0 flex-1 items-center gap-2 rounded-md py-1 pr-1 pl-3 touch:min-h-11';
  return (
    <li
      className={cx('thread-item group/item flex items-center rounded-md', active ? 'bg-pressed' : 'hover:bg-hover')}
      data-testid="thread-item"
      data-id={thread.id}
    >
      {deleted ? (
        <span className={cx(names, 'text-quiet')}>{inside}</span>
      ) : (
        <Link
          to="/chat/$thread"
          params={{ thread: thread.id }}
          className={names}
          aria-current={active ? 'page' : undefined}
          title={title}
          preload={false}
          onDoubleClick={() => setRenaming(true)}
        >
          {inside}
        </Link>
      )}
      <ThreadMenu
        thread={thread}
        onRename={() => setRenaming(true)}
        trigger={
          <IconButton
            icon={Ellipsis}
            size="sm"
            label={t('thread.menu', { title })}
            className="mr-0.5 opacity-0 group-focus-within/item:opacity-100 group-hover/item:opacity-100 data-[state=open]:opacity-100 touch:opacity-100"
          />
        }
      />
    </li>
  );
});
