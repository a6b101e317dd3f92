import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { problemOf } from '@/api/problem';
import { type ThreadFields, useChangeThread, useDeleteThread, useRestoreThread } from '@/api/queries/chat';
import { useMe } from '@/api/queries/me';
import { told } from '@/i18n/told';
import { toast } from '@/ui/toast';
import { chatOf } from './session';
import type { Thread } from './types';

/** Who the conversations of this tab belong to. */
export function useOwner(): string {
  const { user, account, session } = useMe();
  return `${account?.id ?? ''} ${user?.id ?? session.id}`;
}

/** What can be done with a thread, wherever it is shown. */
export function useThreadDeeds() {
  const { t } = useTranslation('chat');
  const store = chatOf(useOwner());
  const navigate = useNavigate();
  const { thread: open } = useParams({ strict: false });
  const changing = useChangeThread();
  const deleting = useDeleteThread();
  const restoring = useRestoreThread();
  const failed = (e: unknown) => {
    const p = problemOf(e);
    const { sentence, next } = told('problems', p.code, p.detail, p.next_step);
    toast({ title: sentence, description: next || undefined, look: 'danger' });
  };

  // Promises rather than callbacks: what is changed may leave the list, and its
  // component with it, before the server has answered.
  const change = (thread: Thread, fields: ThreadFields, done?: string) => {
    changing.mutateAsync({ thread, fields }).then((now) => {
      store.known(now);
      if (done) toast({ title: done });
    }, failed);
  };

  const restore = (thread: Thread, show: boolean) => {
    restoring.mutateAsync(thread.id).then(() => {
      store.changed(thread.id);
      if (show) void navigate({ to: '/chat/$thread', params: { thread: thread.id } });
      else toast({ title: t('thread.restored') });
    }, failed);
  };

  const remove = (thread: Thread) => {
    const shown = open === thread.id;
    if (shown) void navigate({ to: '/chat' });
    deleting.mutateAsync(thread.id).then(() => {
      store.forget(thread.id);
      toast({ title: t('thread.deleted'), action: { label: t('thread.undo'), run: () => restore(thread, shown) } });
    }, failed);
  };

  return { change, remove, restore };
}
