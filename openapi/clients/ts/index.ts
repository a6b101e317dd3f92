/**
 * The client of the app API: paths, inputs and answers are typed by schema.ts,
 * which `make generate` writes from the OpenAPI document. A failure of any kind
 * is thrown as a Problem.
 */
import createFetchClient, { type Client as FetchClient, type Middleware } from 'openapi-fetch';
import { Problem } from './problem';
import type { components, paths } from './schema';

export { Problem, type ProblemDocument, type ProblemField } from './problem';
export type { paths } from './schema';

/** The types of bodies by name, such as `Schemas['Me']`. */
export type Schemas = components['schemas'];
export type Client = FetchClient<paths, 'application/json'>;

export interface Options {
  /** Scheme and host of the service; the page's own if absent. */
  baseUrl?: string;
  fetch?: (request: Request) => Promise<Response>;
  /** Sees every problem before the caller does. */
  onProblem?: (problem: Problem) => void;
}

export function createClient(options: Options = {}): Client {
  const client = createFetchClient<paths, 'application/json'>({
    baseUrl: options.baseUrl ?? '',
    credentials: 'same-origin',
    ...(options.fetch ? { fetch: options.fetch } : {}),
  });
  client.use(throwing(options.onProblem));
  return client;
}

function throwing(see: Options['onProblem']): Middleware {
  const told = (problem: Problem) => {
    see?.(problem);
    return problem;
  };
  return {
    onRequest({ request }) {
      // The API takes no POST that is not declared as JSON, not even an empty one.
      if (request.method === 'POST' && !request.headers.has('content-type')) {
        request.headers.set('content-type', 'application/json');
      }
    },
    async onResponse({ response }) {
      if (!response.ok) throw told(await Problem.of(response));
    },
    onError({ error }) {
      if (error instanceof DOMException && error.name === 'AbortError') return error;
      return error instanceof Problem ? error : told(Problem.unreachable(error));
    },
  };
}

/** Returns the body of an answer: failures were thrown before. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T;
}
