import { ChevronDown, Ellipsis, PanelRight } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useDesk } from '@/app/media';
import { InTopbar } from '@/app/slots';
import { Button } from '@/ui/Button';
import { IconButton } from '@/ui/IconButton';
import { MenuItem, MenuSeparator } from '@/ui/Menu';
import { RenameField } from './RenameField';
import { ThreadMenu } from './ThreadMenu';
import type { Thread } from './types';

interface Props {
  thread: Thread | undefined;
  panel: boolean;
  onPanel: () => void;
}

/** The title of the conversation and what can be done with it, in the bar over the page. On phones the title is all there is room for, and opens the rest. */
export function ChatHeader({ thread, panel, onPanel }: Props) {
  const { t } = useTranslation('chat');
  const desk = useDesk();
  const [renaming, setRenaming] = useState(false);
  const title = thread ? thread.title || t('thread.untitled') : t('list.new');
  const heading = (
    <h1 className="min-w-0 truncate font-semibold" title={title}>
      {title}
    </h1>
  );
  const rename = () => setRenaming(true);
  const small = !desk && thread !== undefined;
  return (
    <InTopbar>
      <div className="flex min-w-0 flex-1 items-center gap-1">
        {renaming && thread ? (
          <RenameField thread={thread} onDone={() => setRenaming(false)} />
        ) : small ? (
          <>
            <h1 className="sr-only">{title}</h1>
            <div className="min-w-0">
              <ThreadMenu
                thread={thread}
                align="start"
                onRename={rename}
                trigger={
                  <Button look="ghost" className="max-w-full px-2" aria-label={t('thread.menu', { title })}>
                    <span className="min-w-0 truncate font-semibold">{title}</span>
                    <ChevronDown className="size-4 shrink-0 text-quiet" aria-hidden />
                  </Button>
                }
              >
                <MenuItem icon={PanelRight} onSelect={onPanel}>
                  {t('panel.title')}
                </MenuItem>
                <MenuSeparator />
              </ThreadMenu>
            </div>
          </>
        ) : (
          heading
        )}
        {thread && !small && !renaming && (
          <ThreadMenu thread={thread} align="start" onRename={rename} trigger={<IconButton icon={Ellipsis} size="sm" label={t('thread.menu', { title })} />} />
        )}
        <div className="flex-1" />
        {!small && (
          <IconButton icon={PanelRight} size="sm" label={t('panel.title')} aria-pressed={panel} data-testid="panel-toggle" onClick={onPanel} />
        )}
      </div>
    </InTopbar>
  );
}
