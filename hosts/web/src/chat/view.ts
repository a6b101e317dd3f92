import { createContext, useContext } from 'react';
import type { ChatThread, Conversation } from './thread';
import type { Model } from './types';

/** What the parts of an open conversation share. */
export interface View {
  thread: ChatThread;
  conversation: Conversation;
  models: readonly Model[];
  /** What the next question goes to. */
  model: Model | undefined;
  /** Whether nothing can be asked now. */
  closed: boolean;
  retry: (question: string) => void;
  edit: (question: string, text: string) => void;
  choose: (message: string) => void;
  /** Shows in the panel how an answer came about. */
  trace: (answer: string) => void;
  /** The question that is being put in other words. */
  editing: string | undefined;
  setEditing: (question: string | undefined) => void;
  traced: string | undefined;
}

const Context = createContext<View | undefined>(undefined);

export const ViewProvider = Context.Provider;

export function useView(): View {
  const view = useContext(Context);
  if (!view) throw new Error('a part of a conversation stands outside of one');
  return view;
}
