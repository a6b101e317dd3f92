import { Link, useParams } from '@tanstack/react-router';
import { ListFilter, MessageSquarePlus, Search } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ThreadView, useThreads } from '@/api/queries/chat';
import { IconButton } from '@/ui/IconButton';
import { Menu, MenuRadio } from '@/ui/Menu';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { groups } from './groups';
import { ThreadItem } from './ThreadItem';
import type { Thread } from './types';

/** The conversations: what is pinned, then by when they were last used. */
export function ThreadList() {
  const { t } = useTranslation('chat');
  const { thread: active } = useParams({ strict: false });
  const [view, setView] = useState<ThreadView>('active');
  const [typed, setTyped] = useState('');
  const q = useLate(typed.trim(), 200);
  const list = useThreads(view, q);
  const threads = useMemo(() => visible(list.data?.pages.flatMap((p) => p.threads) ?? [], view), [list.data, view]);
  const parts = useMemo(() => groups(threads, new Date()), [threads]);
  const end = useEnd(list.hasNextPage && !list.isFetchingNextPage, () => void list.fetchNextPage());
  return (
    <section aria-label={t('list.label')} className="flex min-h-0 flex-1 flex-col">
      <div className="px-2 pb-2">
        <Link
          to="/chat"
          className="flex min-h-9 items-center gap-2 rounded-md border border-line-control px-3 font-medium hover:bg-hover touch:min-h-11"
        >
          <MessageSquarePlus className="size-4 text-quiet" aria-hidden />
          {t('list.new')}
        </Link>
        <div className="mt-2 flex items-center gap-1">
          <label className="relative min-w-0 flex-1">
            <span className="sr-only">{t('list.search')}</span>
            <Search className="pointer-events-none absolute top-1/2 left-2.5 size-3.5 -translate-y-1/2 text-faint" aria-hidden />
            <input
              type="search"
              value={typed}
              maxLength={100}
              placeholder={t('list.searchHint')}
              className="h-8 w-full rounded-md bg-hover pr-2 pl-8 touch:h-11 touch:text-base"
              onChange={(e) => setTyped(e.target.value)}
            />
          </label>
          <Menu trigger={<IconButton icon={ListFilter} size="sm" label={t('list.view', { view: t(`list.${view}`) })} />}>
            <MenuRadio
              label={t('list.which')}
              value={view}
              onChange={setView}
              options={(['active', 'archived', 'deleted'] as const).map((value) => ({ value, label: t(`list.${value}`) }))}
            />
          </Menu>
        </div>
        {view !== 'active' && <p className="mt-2 px-1 text-xs text-quiet">{t(view === 'archived' ? 'list.archivedNote' : 'list.deletedNote')}</p>}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-2" aria-busy={list.isFetching}>
        {list.isPending && <SkeletonRows label={t('loading')} rows={6} />}
        {list.isError && <ProblemCard error={list.error} onRetry={() => void list.refetch()} />}
        {list.isSuccess && threads.length === 0 && (
          <p className="px-3 py-6 text-center text-quiet" role="status">
            {t(q ? 'list.notFound' : `list.none.${view}`)}
          </p>
        )}
        {parts.map((g) => (
          <section key={g.name} aria-labelledby={`threads-${g.name}`}>
            <h2 id={`threads-${g.name}`} className="px-3 pt-3 pb-1 text-xs font-medium text-faint">
              {t(`list.group.${g.name}`)}
            </h2>
            <ul>
              {g.threads.map((thread) => (
                <ThreadItem key={thread.id} thread={thread} active={thread.id === active} />
              ))}
            </ul>
          </section>
        ))}
        <div ref={end} />
        {list.isFetchingNextPage && <SkeletonRows label={t('loading')} rows={2} />}
      </div>
    </section>
  );
}

/** A thread whose first question was refused was never one. */
function visible(threads: Thread[], view: ThreadView): Thread[] {
  return view === 'deleted' ? threads.filter((t) => t.messages > 0) : threads;
}

/** A value once it has not changed for a while. */
function useLate(value: string, ms: number): string {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}

/** Calls when the end of a list comes near, while there is more. */
function useEnd(more: boolean, reach: () => void) {
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(reach);
  useEffect(() => {
    latest.current = reach;
  });
  useEffect(() => {
    const el = mark.current;
    if (!el || !more) return;
    const seen = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && latest.current(), { rootMargin: '300px' });
    seen.observe(el);
    return () => seen.disconnect();
  }, [more]);
  return mark;
}
