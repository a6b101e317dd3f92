import { Outlet } from '@tanstack/react-router';
import { Toasts } from '@/ui/Toasts';
import { TooltipProvider } from '@/ui/Tooltip';

/** What every page has around it. */
export function Root() {
  return (
    <TooltipProvider delayDuration={400}>
      <Outlet />
      <Toasts />
    </TooltipProvider>
  );
}
