import { useSyncExternalStore } from 'react';

/** Whether a media query holds, and again when that changes. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (see) => {
      const media = window.matchMedia(query);
      media.addEventListener('change', see);
      return () => media.removeEventListener('change', see);
    },
    () => window.matchMedia(query).matches,
  );
}

/** Whether there is room for the sidebar beside the page; the same width as --breakpoint-desk. */
export const useDesk = () => useMedia('(width >= 900px)');
