import { ChevronsUpDown } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { Popover } from '@/ui/Popover';
import { Skeleton } from '@/ui/Skeleton';

type Panel = typeof import('./AccountPanel').default;

/** Who is signed in, and to what; behind it what they may use, and the way out. */
export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const [open, setOpen] = useState(false);
  // It comes as soon as somebody is about to open it, so that nothing flickers.
  const [Panel, setPanel] = useState<Panel>();
  const load = () => {
    import('./AccountPanel').then(
      (module) => setPanel(() => module.default),
      () => undefined, // asked for again when it is opened
    );
  };
  const name = me.user?.name || me.user?.email || t('account.nobody');
  return (
    <Popover
      label={t('account.label')}
      open={open}
      onOpenChange={(next) => {
        setOpen(next);
        if (next) load();
      }}
      side="top"
      className="w-72"
      trigger={
        <button type="button" onPointerEnter={load} onFocus={load} className="flex min-h-12 w-full items-center gap-3 rounded-md px-2 text-left hover:bg-hover" aria-label={t('account.menu', { name })}>
          <Initial name={name} />
          <span className="min-w-0 flex-1">
            <span className="block truncate font-medium">{name}</span>
            <span className="block truncate text-xs text-quiet">{me.account?.name ?? t('account.none')}</span>
          </span>
          <ChevronsUpDown className="size-4 shrink-0 text-faint" aria-hidden />
        </button>
      }
    >
      {Panel ? <Panel name={name} onClose={() => setOpen(false)} onHelp={onHelp} /> : <Skeleton className="m-4 h-72" />}
    </Popover>
  );
}

function Initial({ name }: { name: string }) {
  return (
    <span className="flex size-8 shrink-0 items-center justify-center rounded-md bg-accent-soft font-semibold text-accent" aria-hidden>
      {[...name][0]?.toUpperCase()}
    </span>
  );
}
