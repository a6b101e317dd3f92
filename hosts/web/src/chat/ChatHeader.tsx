import { Ellipsis, PanelRight } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { InTopbar } from '@/app/slots';
import { IconButton } from '@/ui/IconButton';
import { RenameField } from './RenameField';
import { ThreadMenu } from './ThreadMenu';
import type { Thread } from './types';

interface Props {
  thread: Thread | undefined;
  panel: boolean;
  onPanel: () => void;
}

/** The title of the conversation and what can be done with it, in the bar over the page. */
export function ChatHeader({ thread, panel, onPanel }: Props) {
  const { t } = useTranslation('chat');
  const [renaming, setRenaming] = useState(false);
  return (
    <InTopbar>
      <div className="flex min-w-0 flex-1 items-center gap-1">
        {renaming && thread ? (
          <RenameField thread={thread} onDone={() => setRenaming(false)} />
        ) : (
          <h1 className="min-w-0 truncate font-semibold" title={thread?.title}>
            {thread ? thread.title || t('thread.untitled') : t('list.new')}
          </h1>
        )}
        {thread && (
          <ThreadMenu
            thread={thread}
            onRename={() => setRenaming(true)}
            trigger={<IconButton icon={Ellipsis} size="sm" label={t('thread.menu', { title: thread.title || t('thread.untitled') })} />}
          />
        )}
        <div className="flex-1" />
        <IconButton icon={PanelRight} size="sm" label={t('panel.title')} aria-pressed={panel} data-testid="panel-toggle" onClick={onPanel} />
      </div>
    </InTopbar>
  );
}
