import { useNavigate } from '@tanstack/react-router';
import { MessagesSquare } from 'lucide-react';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keep, kept } from '@/app/kept';
import { useTitle } from '@/app/title';
import { useModels } from '@/api/queries/chat';
import { meQuery, useArea } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { told } from '@/i18n/told';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/EmptyState';
import { Skeleton } from '@/ui/Skeleton';
import { toast } from '@/ui/toast';
import { Announce } from './Announce';
import { ChatHeader } from './ChatHeader';
import { Composer, type ComposerHandle } from './Composer';
import { Conversation } from './Conversation';
import { FailedCard } from './FailedCard';
import { GateCard } from './GateCard';
import { keepModel, lastModel, modelFor } from './lastModel';
import type { PanelTab } from './Panel';
import { ChatRuntime } from './runtime';
import { useConversation } from './session';
import type { ChatStore } from './store';
import type { Trouble } from './types';
import { type View, ViewProvider } from './view';
import { Welcome } from './Welcome';

const Panel = lazy(() => import('./Panel'));
const PromptsDialog = lazy(() => import('./PromptsDialog'));

// More than fills a window; the rest of what is near comes when one scrolls towards it.
const mounted = 20;
const more = 40;
const panelKey = 'archibot.panel';

interface Props {
  /** Absent: a new conversation. */
  id: string | undefined;
  store: ChatStore;
}

/** One conversation with its composer and its panel. */
export function ChatView({ id, store }: Props) {
  const { t } = useTranslation('chat');
  const navigate = useNavigate();
  const composer = useRef<ComposerHandle>(null);
  const [fresh] = useState<{ instructions?: string; model?: string }>({});
  const thread = useMemo(() => (id === undefined ? store.fresh(() => fresh) : store.thread(id)), [id, store, fresh]);
  const conversation = useConversation(thread);
  const [instructions, setInstructions] = useState('');
  const [size, setSize] = useState(mounted);
  const [editing, setEditing] = useState<string>();
  const [traced, setTraced] = useState<string>();
  const [panel, setPanel] = useState(() => kept(panelKey) === 'open' && matchMedia('(width >= 1200px)').matches);
  const [tab, setTab] = useState<PanelTab>('context');
  const [managing, setManaging] = useState(false);
  const { data: models = [] } = useModels();
  const [chosen, setChosen] = useState(lastModel);
  const area = useArea('chat');
  const closed = area !== undefined && !area.allowed;
  const wanted = id === undefined ? chosen : conversation.thread?.model;
  const model = modelFor(models, wanted);
  useTitle(conversation.thread?.title || t('title'));

  const tell = (trouble: Trouble | undefined) => {
    if (trouble) {
      const { sentence, next } = told('problems', trouble.code, trouble.message, trouble.nextStep);
      toast({ title: sentence || t('failed.unknown'), description: next, look: 'danger' });
    }
    return trouble === undefined;
  };
  const begun = (done: boolean) => {
    const made = thread.get().thread?.id;
    if (done && id === undefined && made !== undefined) void navigate({ to: '/chat/$thread', params: { thread: made } });
    const status = thread.get().refused?.trouble.status ?? 0;
    if (!done && [402, 403].includes(status)) void queryClient.invalidateQueries(meQuery);
    return done;
  };
  const send = async (text: string) => {
    setSize(mounted);
    fresh.model = model?.id;
    if (!begun(await thread.ask(text, model?.id)) && composer.current?.text() === '') composer.current.fill(text);
  };
  const again = async () => {
    const text = thread.get().refused?.text;
    if (begun(await thread.again(model?.id)) && composer.current?.text() === text) composer.current?.fill('');
  };
  const stop = async () => void tell(await thread.stop());
  const choose = (pick: string) => void thread.choose(pick).then(tell);
  const pickModel = (pick: string) => {
    keepModel(pick);
    setChosen(pick);
    if (id !== undefined) void thread.change({ model: pick }).then(tell);
    composer.current?.focus();
  };
  const saveInstructions = async (text: string) => {
    if (id !== undefined) return tell(await thread.change({ instructions: text }));
    fresh.instructions = text;
    setInstructions(text);
    return true;
  };
  const show = (open: boolean) => {
    keep(panelKey, open ? 'open' : 'closed');
    setPanel(open);
  };
  const editLast = () => setEditing(conversation.path.findLast((m) => m.role === 'user')?.id);

  // What is shown is one step above what is loaded: the next page is on its way before it is needed.
  const { path } = conversation;
  const hidden = path.length > size;
  const grow = useCallback(() => {
    setSize((n) => n + more);
    if (thread.get().path.length < size + 2 * more) void thread.earlier();
  }, [thread, size]);

  const editedID = useRef<string>(undefined);
  useEffect(() => {
    if (editedID.current !== undefined && editing === undefined) composer.current?.focus();
    editedID.current = editing;
  }, [editing]);

  const view: View = {
    thread,
    conversation,
    models,
    model,
    closed,
    editing,
    setEditing,
    traced,
    retry: (question) => void thread.retry(question, model?.id).then(begun),
    edit: (question, text) => void thread.edit(question, text, model?.id).then(begun),
    choose,
    trace: (answer) => {
      setTraced(answer);
      setTab('trace');
      show(true);
    },
  };

  if (conversation.status === 'failed') return <Gone trouble={conversation.trouble} onRetry={() => void thread.load()} />;
  const empty = path.length === 0 && conversation.refused === undefined;
  return (
    <ViewProvider value={view}>
      <ChatRuntime conversation={conversation} size={size} closed={closed} send={send} stop={stop}>
        <div className="flex h-full min-h-0">
          <ChatHeader thread={conversation.thread} panel={panel} onPanel={() => show(!panel)} />
          <Announce conversation={conversation} />
          <div className="flex min-h-0 min-w-0 flex-1 flex-col">
            {conversation.status === 'loading' ? (
              <Loading />
            ) : empty ? (
              <Welcome onPick={(text) => composer.current?.fill(text)} />
            ) : (
              <Conversation
                more={hidden || conversation.earlier}
                onMore={grow}
                refused={conversation.refused}
                onAgain={() => void again()}
                onEditRefused={() => {
                  const text = conversation.refused?.text ?? '';
                  thread.dismiss();
                  composer.current?.fill(text);
                }}
              />
            )}
            <Composer
              ref={composer}
              draft={id ?? 'new'}
              onModel={pickModel}
              onStop={() => void stop()}
              onEditLast={editLast}
              onManagePrompts={() => setManaging(true)}
              notice={closed && <GateCard area={area} />}
            />
          </div>
          <Suspense>
            {' '}
            {panel && (
              <Panel
                open
                onOpenChange={show}
                tab={tab}
                onTab={setTab}
                instructions={id === undefined ? instructions : (conversation.thread?.instructions ?? '')}
                onInstructions={saveInstructions}
              />
            )}
            {managing && <PromptsDialog open onOpenChange={setManaging} />}
          </Suspense>{' '}
        </div>
      </ChatRuntime>
    </ViewProvider>
  );
}

function Loading() {
  const { t } = useTranslation('chat');
  return (
    <div role="status" aria-label={t('loading')} className="mx-auto flex w-full max-w-3xl flex-1 flex-col gap-6 px-4 pt-8">
      <Skeleton className="h-12 w-2/3 self-end" />
      <Skeleton className="h-24 w-full" />
      <Skeleton className="h-12 w-1/2 self-end" />
      <Skeleton className="h-32 w-full" />
    </div>
  );
}

/** A thread that cannot be shown. Another member's is the same as none. */
function Gone({ trouble, onRetry }: { trouble: Trouble | undefined; onRetry: () => void }) {
  const { t } = useTranslation('chat');
  const navigate = useNavigate();
  useTitle(t('title'));
  if (trouble && trouble.status !== 404) {
    return (
      <div className="mx-auto max-w-xl p-6">
        <FailedCard trouble={trouble} onRetry={onRetry} />
      </div>
    );
  }
  return (
    <EmptyState
      level={1}
      icon={MessagesSquare}
      title={t('gone.title')}
      action={
        <Button look="primary" onClick={() => void navigate({ to: '/chat' })}>
          {t('list.new')}
        </Button>
      }
    >
      {t('gone.text')}
    </EmptyState>
  );
}
