import { Outlet, useRouterState } from '@tanstack/react-router';
import { Menu as MenuIcon, Search } from 'lucide-react';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { IconButton } from '@/ui/IconButton';
import { toMain } from './Announcer';
import { Balance } from './Balance';
import { setPalette, usePalette } from './commands';
import { Drawer } from './Drawer';
import { useDesk } from './media';
import { destinationAt } from './nav';
import { NoAccount } from './NoAccount';
import { ShellCommands } from './ShellCommands';
import { keyNames } from './shortcuts';
import { Sidebar } from './Sidebar';
import { Slots } from './slots';

const loadPalette = () => import('./Palette');
const Palette = lazy(loadPalette);
const HelpSheet = lazy(() => import('./HelpSheet'));

/** The shell: navigation beside the page, the balance over it. */
export default function AppLayout() {
  const { t } = useTranslation();
  const me = useMe();
  const desk = useDesk();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  const [drawerAt, setDrawerAt] = useState(''); // the address at which it was opened: going elsewhere closes it
  const [help, setHelp] = useState(false);
  const [sidebar, setSidebar] = useState<HTMLElement | null>(null);
  const [topbar, setTopbar] = useState<HTMLElement | null>(null);
  const slots = useMemo(() => ({ sidebar, topbar }), [sidebar, topbar]);
  const palette = usePalette();
  const onHelp = useCallback(() => {
    setDrawerAt('');
    setHelp(true);
  }, []);

  // Whoever holds the first key of its shortcut down gets it at once.
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      if (event.key === 'Control' || event.key === 'Meta') void loadPalette();
    };
    document.addEventListener('keydown', hear);
    return () => document.removeEventListener('keydown', hear);
  }, []);

  const here = destinationAt(path);
  const nav = <Sidebar slot={setSidebar} onHelp={onHelp} />;
  return (
    <Slots.Provider value={slots}>
      <ShellCommands onHelp={onHelp} />
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-70 focus:rounded-md focus:bg-accent focus:px-4 focus:py-2 focus:text-on-accent"
      >
        {t('nav.skip')}
      </a>
      <div className="flex h-full">
        {desk ? (
          <aside className="flex w-60 shrink-0 flex-col border-r border-line bg-sunken" aria-label={t('nav.drawer')}>
            {nav}
          </aside>
        ) : (
          <Drawer open={drawerAt === path} onOpenChange={(open) => setDrawerAt(open ? path : '')}>
            {nav}
          </Drawer>
        )}
        <div className="flex min-w-0 flex-1 flex-col">
          <header className="flex h-12 shrink-0 items-center gap-2 border-b border-line px-2 desk:px-4 touch:h-14">
            {!desk && <IconButton icon={MenuIcon} label={t('nav.open')} onClick={() => setDrawerAt(path)} />}
            <div ref={setTopbar} className="flex min-w-0 flex-1 items-center gap-2" />
            <IconButton icon={Search} label={t('palette.title')} keys={keyNames('mod+k').join(' ')} onClick={() => setPalette(true)} />
            <Balance />
          </header>
          <main id="main" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none">
            {here?.account && !me.account ? (
              <NoAccount />
            ) : here?.to === '/chat' ? (
              <Outlet />
            ) : (
              <div className="mx-auto max-w-5xl px-4 py-6 desk:px-8 desk:py-8">
                <Outlet />
              </div>
            )}
          </main>
        </div>
      </div>
      <Suspense>
        {palette && <Palette />}
        {help && <HelpSheet open={help} onOpenChange={(open) => (setHelp(open), open || toMain())} />}
      </Suspense>
    </Slots.Provider>
  );
}
