import { Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { Toasts } from '@/ui/Toasts';
import { TooltipProvider } from '@/ui/Tooltip';
import { Announcer } from './Announcer';
import { OfflineNotice } from './OfflineNotice';
import { watchLine } from './online';
import { watchSession } from './session';
import { useKeyboard } from './shortcuts';

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
      <Toasts />
    </TooltipProvider>
  );
}
