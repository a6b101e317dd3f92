import { useEffect } from 'react';

/** Names the page in the tab. app/Announcer tells screen readers of it. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · ArchibotChat` : 'ArchibotChat';
  }, [title]);
}
