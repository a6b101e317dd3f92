import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { Toast as Radix } from 'radix-ui';
import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { dismiss, toasts } from './toast';

/** Where the messages of toast() stand. One of it is in the app. */
export function Toasts() {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(toasts.see, toasts.shown);
  return (
    <Radix.Provider label={t('ui.message')} swipeDirection="right">
      {shown.map(({ id, title, description, look, action, duration }) => (
        <Radix.Root
          key={id}
          type={look === 'danger' ? 'foreground' : 'background'}
          duration={duration ?? (action ? 10_000 : 5000)}
          onOpenChange={(open) => !open && dismiss(id)}
          className="flex items-start gap-3 rounded-md border border-line bg-raised py-3 pr-2 pl-4 shadow-float animate-in"
        >
          {look === 'ok' && <CircleCheck className="mt-0.5 size-4 shrink-0 text-ok" aria-hidden />}
          {look === 'danger' && <CircleAlert className="mt-0.5 size-4 shrink-0 text-danger" aria-hidden />}
          <div className="min-w-0 flex-1 py-0.5">
            <Radix.Title className="font-medium">{title}</Radix.Title>
            {description && <Radix.Description className="mt-0.5 text-quiet">{description}</Radix.Description>}
          </div>
          {action && (
            <Radix.Action asChild altText={action.label}>
              <Button size="sm" onClick={action.run}>
                {action.label}
              </Button>
            </Radix.Action>
          )}
          <Radix.Close aria-label={t('ui.close')} className="inline-flex size-7 shrink-0 items-center justify-center rounded-md text-quiet hover:bg-hover touch:size-11">
            <X className="size-4" aria-hidden />
          </Radix.Close>
        </Radix.Root>
      ))}
      <Radix.Viewport
        label={t('ui.messages', { hotkey: '{hotkey}' })}
        // On phones at the top: below stands what is typed into.
        className="fixed top-[max(0px,env(safe-area-inset-top))] right-0 z-70 flex w-96 max-w-full flex-col gap-2 p-4 outline-none desk:top-auto desk:bottom-0"
      />
    </Radix.Provider>
  );
}
