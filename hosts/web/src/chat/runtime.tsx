import { AssistantRuntimeProvider, useExternalStoreRuntime } from '@assistant-ui/react';
import { type ReactNode, useMemo } from 'react';
import type { Conversation } from './thread';

interface Shown {
  id: string;
  role: 'user' | 'assistant';
}

interface Props {
  conversation: Conversation;
  /** How many of the newest messages are mounted. */
  size: number;
  closed: boolean;
  send: (text: string) => Promise<void>;
  stop: () => Promise<void>;
  children: ReactNode;
}

// Texts stay in our own store, where a message that grows touches nothing else;
// the runtime knows which messages there are, and has the composer.
const convert = (m: Shown) => ({ id: m.id, role: m.role, content: [] });

/** Our conversation as the runtime of assistant-ui, as far as it is mounted. */
export function ChatRuntime({ conversation, size, closed, send, stop, children }: Props) {
  const { path } = conversation;
  const key = path
    .slice(-size)
    .map((m) => m.id)
    .join(' ');
  // A new list only where other messages are shown, not where one of them changed.
  const messages = useMemo(
    () => path.slice(-size).map((m): Shown => ({ id: m.id, role: m.role })),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [key],
  );
  const runtime = useExternalStoreRuntime<Shown>({
    messages,
    convertMessage: convert,
    isRunning: conversation.running !== undefined || conversation.sending,
    isSendDisabled: closed || conversation.running !== undefined || conversation.sending,
    onNew: (message) => send(message.content.map((part) => (part.type === 'text' ? part.text : '')).join('')),
    onCancel: stop,
  });
  return <AssistantRuntimeProvider runtime={runtime}>{children}</AssistantRuntimeProvider>;
}
