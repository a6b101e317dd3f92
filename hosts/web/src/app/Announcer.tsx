import { useRouter } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

/** Tells screen readers which page one is on, and puts the focus there: a new page of an app makes no sound by itself. */
export function Announcer() {
  const router = useRouter();
  const [text, setText] = useState('');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const blind = router.subscribe('onResolved', ({ fromLocation, toLocation, pathChanged }) => {
      if (!fromLocation || !pathChanged) return;
      clearTimeout(timer);
      timer = setTimeout(() => setText(document.title), 150); // the page names itself once it stands
      const part = (path: string) => path.split('/')[1];
      if (part(fromLocation.pathname) !== part(toLocation.pathname)) toMain();
    });
    return () => {
      blind();
      clearTimeout(timer);
    };
  }, [router]);
  return (
    <div role="status" aria-live="polite" className="sr-only">
      {text}
    </div>
  );
}

/** Puts the focus on the page, unless something of it has it. */
export function toMain(): void {
  const main = document.getElementById('main');
  if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}
