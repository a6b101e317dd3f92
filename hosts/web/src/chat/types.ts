// The terms of conversations, as the app API tells them. core/chat has the rules.
import type { Body } from '@/api/client';

export type Thread = Body<'Thread'>;
export type Message = Body<'Message'>;
export type Turn = Body<'Turn'>;
export type Step = Body<'TurnStep'>;
export type Model = Body<'ChatModel'>;
export type Prompt = Body<'Prompt'>;
export type Page = Body<'MessageList'>;
export type Started = Body<'StartedTurn'>;

/** What a turn is asked for: text for a new question, or a question to answer again. */
export type Ask = Body<'TurnDraft'>;

/** A failure as the server tells it; status 0 is the network's. */
export interface Trouble {
  status: number;
  code: string;
  message: string;
  nextStep?: string;
  requestID?: string;
}
