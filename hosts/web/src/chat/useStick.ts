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
  const size = useRef({ content: 0, window: 0 });
  const shownFirst = useRef(first);

  const measure = useCallback((v: HTMLElement) => {
    last.current = v.scrollTop;
    fromEnd.current = v.scrollHeight - v.scrollTop;
    size.current = { content: v.scrollHeight, window: v.clientHeight };
  }, []);

  const toEnd = useCallback(() => {
    const v = viewport.current;
    if (!v) return;
    stuck.current = true;
    setAtEnd(true);
    v.scrollTop = v.scrollHeight;
    measure(v);
  }, [viewport, measure]);

  useLayoutEffect(() => {
    const v = viewport.current;
    if (!v) return;
    const before = shownFirst.current;
    shownFirst.current = first;
    if (stuck.current) v.scrollTop = v.scrollHeight;
    else if (before !== undefined && before !== first) v.scrollTop = v.scrollHeight - fromEnd.current;
    measure(v);
  }, [viewport, first, measure]);

  useEffect(() => {
    const v = viewport.current;
    const c = content.current;
    if (!v || !c) return;
    const scrolled = () => {
      const gap = v.scrollHeight - v.scrollTop - v.clientHeight;
      // Where the list shrank, or its window has another height, the browser
      // moved it, and not its reader.
      const moved = v.scrollHeight < size.current.content || v.clientHeight !== size.current.window;
      if (gap < 32) stuck.current = true;
      else if (!moved && v.scrollTop < last.current - 2) stuck.current = false;
      measure(v);
      setAtEnd(stuck.current || gap < 160);
    };
    const grown = new ResizeObserver(() => {
      if (stuck.current) v.scrollTop = v.scrollHeight;
      measure(v);
      if (!stuck.current) setAtEnd(v.scrollHeight - v.scrollTop - v.clientHeight < 160);
    });
    v.addEventListener('scroll', scrolled, { passive: true });
    grown.observe(c);
    grown.observe(v);
    return () => {
      v.removeEventListener('scroll', scrolled);
      grown.disconnect();
    };
  }, [viewport, content, measure]);

  return { atEnd, toEnd };
}
