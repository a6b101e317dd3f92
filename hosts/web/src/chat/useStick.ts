import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

/**
 * Keeps a list that grows downwards at its end while the reader is there, leaves
 * it alone while they read above, and keeps what they see where it is when
 * something is put before it. `first` names the first thing of the list.
 */
export function useStick(viewport: RefObject<HTMLElement | null>, content: RefObject<HTMLElement | null>, first: string | undefined) {
  const [atEnd, setAtEnd] = useState(true);
  const stuck = useRef(true);
  const last = useRef(0);
  const fromEnd = useRef(0);
  const shownFirst = useRef(first);

  const toEnd = useCallback(() => {
    const v = viewport.current;
    if (!v) return;
    stuck.current = true;
    setAtEnd(true);
    v.scrollTop = v.scrollHeight;
  }, [viewport]);

  useLayoutEffect(() => {
    const v = viewport.current;
    if (!v) return;
    const before = shownFirst.current;
    shownFirst.current = first;
    if (stuck.current) v.scrollTop = v.scrollHeight;
    else if (before !== undefined && before !== first) v.scrollTop = v.scrollHeight - fromEnd.current;
  }, [viewport, first]);

  useEffect(() => {
    const v = viewport.current;
    const c = content.current;
    if (!v || !c) return;
    const scrolled = () => {
      const gap = v.scrollHeight - v.scrollTop - v.clientHeight;
      if (gap < 32) stuck.current = true;
      else if (v.scrollTop < last.current - 2) stuck.current = false;
      last.current = v.scrollTop;
      fromEnd.current = v.scrollHeight - v.scrollTop;
      setAtEnd(stuck.current || gap < 160);
    };
    const grown = new ResizeObserver(() => {
      if (stuck.current) v.scrollTop = v.scrollHeight;
      last.current = v.scrollTop;
      fromEnd.current = v.scrollHeight - v.scrollTop;
      if (!stuck.current) setAtEnd(v.scrollHeight - v.scrollTop - v.clientHeight < 160);
    });
    v.addEventListener('scroll', scrolled, { passive: true });
    grown.observe(c);
    grown.observe(v);
    return () => {
      v.removeEventListener('scroll', scrolled);
      grown.disconnect();
    };
  }, [viewport, content]);

  return { atEnd, toEnd };
}
