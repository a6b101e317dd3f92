import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState, useSyncExternalStore } from 'react';
import { toasts } from '@/ui/toast';
import { TooltipProvider } from '@/ui/Tooltip';
import { Announcer } from './Announcer';
import { OfflineNotice } from './OfflineNotice';
import { watchLine } from './online';
import { watchSession } from './session';
import { useKeyboard } from './shortcuts';

const Toasts = lazy(async () => ({ default: (await import('@/ui/Toasts')).Toasts }));

/** What every page has around it. */
export function Root() {
  useKeyboard();
  useEffect(watchLine, []);
  useEffect(watchSession, []);
  return (
    <TooltipProvider delayDuration={400}>
      <div className="flex h-full flex-col">
        <OfflineNotice />
        <div className="min-h-0 flex-1">
          <Outlet />
        </div>
      </div>
      <Announcer />
      <Messages />
    </TooltipProvider>
  );
}

/** The place of messages, from the first one on. */
function Messages() {
  const any = useSyncExternalStore(toasts.see, toasts.shown).length > 0;
  const [begun, setBegun] = useState(false);
  if (any && !begun) setBegun(true);
  return <Suspense>{begun && <Toasts />}</Suspense>;
}
