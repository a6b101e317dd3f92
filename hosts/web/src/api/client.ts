/** The one way to the server. Failures are thrown as Problem. */
import { createClient, type Problem, type Schemas } from '@archibotchat/client';
import { marked } from './presence';

export { body, Problem } from '@archibotchat/client';
export type { ProblemField, Schemas } from '@archibotchat/client';

/** The types of bodies by name, such as `Body<'Me'>`. */
export type Body<Name extends keyof Schemas> = Schemas[Name];

const seers = new Set<(problem: Problem) => void>();

/** Lets see every problem that any call ends in, before the caller does. */
export function seeProblems(see: (problem: Problem) => void): () => void {
  seers.add(see);
  return () => seers.delete(see);
}

export const client = createClient({ fetch: (request) => fetch(marked(request)), onProblem: (problem) => seers.forEach((see) => see(problem)) });
