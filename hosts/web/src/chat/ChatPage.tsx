import { useNavigate, useParams } from '@tanstack/react-router';
import { MessageSquarePlus } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Command, useCommands } from '@/app/commands';
import { useShortcut } from '@/app/shortcuts';
import { InSidebar } from '@/app/slots';
import { useThreads } from '@/api/queries/chat';
import { ChatView } from './ChatView';
import { chatOf, useLooking } from './session';
import { ThreadList } from './ThreadList';
import '@/styles/chat.css';
import { useOwner } from './useThreadDeeds';

/** /chat and /chat/$thread: the conversation, with the list of threads beside it. */
export default function ChatPage() {
  const { thread } = useParams({ strict: false });
  const store = chatOf(useOwner());
  useLooking(store, thread);
  usePaletteEntries();
  return (
    <>
      <InSidebar>
        <ThreadList />
      </InSidebar>
      <ChatView key={thread ?? 'new'} id={thread} store={store} />
    </>
  );
}

/** A new conversation and the last ones, by name. */
function usePaletteEntries() {
  const { t } = useTranslation('chat');
  const navigate = useNavigate();
  const { data } = useThreads('active', '');
  const fresh = () => void navigate({ to: '/chat' });
  useShortcut('mod+shift+o', t('list.new'), fresh);
  const threads = data?.pages[0]?.threads;
  const entries = useMemo(
    (): Command[] => [
      {
        id: 'chat-new',
        group: t('title'),
        text: t('list.new'),
        icon: MessageSquarePlus,
        keys: 'mod+shift+o',
        run: () => void navigate({ to: '/chat' }),
      },
      ...(threads ?? []).slice(0, 30).map((thread) => ({
        id: thread.id,
        group: t('list.label'),
        text: thread.title || t('thread.untitled'),
        run: () => void navigate({ to: '/chat/$thread', params: { thread: thread.id } }),
      })),
    ],
    [t, navigate, threads],
  );
  useCommands(entries);
}
