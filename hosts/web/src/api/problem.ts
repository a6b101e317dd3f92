/** What is asked of problems; Problem itself comes with the client. */
import { Problem } from './client';

/** The problem in an error, whatever was thrown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const problem = new Problem({ status: 0, code: 'browser_error', detail: error instanceof Error ? error.message : String(error), request_id: '' });
  problem.cause = error;
  return problem;
}

/** Whether the session is over, or there was none. */
export const signedOut = (error: unknown) => error instanceof Problem && error.status === 401 && error.code === 'not_signed_in';

/** Whether no answer came: the network, or the server, is gone. */
export const unreachable = (error: unknown) => error instanceof Problem && error.code === 'unreachable';

/** Whether the person must sign in anew before they may do this. */
export const wantsFresh = (error: unknown) => error instanceof Problem && error.code === 'fresh_sign_in_required';

/** Whether the same call may succeed in a moment, so that a query asks again by itself. */
export const passing = (error: unknown) => error instanceof Problem && [0, 502, 503, 504].includes(error.status);
