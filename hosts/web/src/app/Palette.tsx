import { Command as Cmdk } from 'cmdk';
import { Search } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { scrim } from '@/ui/Dialog';
import { Kbd } from '@/ui/Kbd';
import { setPalette, useAllCommands, usePalette } from './commands';
import { keyNames } from './shortcuts';

/** Finds what one can do by its name. */
export default function Palette() {
  const { t } = useTranslation();
  const open = usePalette();
  const commands = useAllCommands();
  const groups = [...new Set(commands.map(({ group }) => group))];
  return (
    <Radix.Root open={open} onOpenChange={setPalette}>
      <Radix.Portal>
        <Radix.Overlay className={scrim} />
        <Radix.Content
          aria-describedby={undefined}
          className="fixed top-4 left-1/2 z-50 w-[calc(100%-2rem)] max-w-xl -translate-x-1/2 overflow-hidden rounded-xl border border-line bg-raised shadow-float animate-in focus:outline-none desk:top-[16vh]"
        >
          <Radix.Title className="sr-only">{t('palette.title')}</Radix.Title>
          <Cmdk label={t('palette.title')} loop>
            <div className="flex items-center gap-3 border-b border-line px-4">
              <Search className="size-4 shrink-0 text-faint" aria-hidden />
              <Cmdk.Input placeholder={t('palette.placeholder')} className="h-12 w-full bg-transparent text-base outline-none" />
            </div>
            <Cmdk.List className="max-h-[min(24rem,60dvh)] overflow-y-auto p-2" aria-label={t('palette.list')}>
              <Cmdk.Empty className="px-3 py-8 text-center text-quiet">{t('palette.empty')}</Cmdk.Empty>
              {groups.map((group) => (
                <Cmdk.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:pt-3 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:font-medium [&_[cmdk-group-heading]]:text-faint"
                >
                  {commands
                    .filter((command) => command.group === group)
                    .map(({ id, text, words, icon: Icon, keys, run }) => (
                      <Cmdk.Item
                        key={id}
                        value={id}
                        keywords={[text, group, ...(words ?? [])]}
                        onSelect={() => {
                          setPalette(false);
                          run();
                        }}
                        className="flex min-h-9 items-center gap-3 rounded-md px-3 select-none data-[selected=true]:bg-pressed touch:min-h-11"
                      >
                        {Icon && <Icon className="size-4 shrink-0 text-quiet" aria-hidden />}
                        <span className="min-w-0 flex-1 truncate">{text}</span>
                        {keys && (
                          <span className="flex gap-1">
                            {keyNames(keys).map((key) => (
                              <Kbd key={key}>{key}</Kbd>
                            ))}
                          </span>
                        )}
                      </Cmdk.Item>
                    ))}
                </Cmdk.Group>
              ))}
            </Cmdk.List>
          </Cmdk>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
