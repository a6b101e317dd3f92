/** The end of a session: by the person, or found out by a call that was refused. */
import { seeProblems } from '@/api/client';
import { signedOut } from '@/api/problem';
import { meQuery } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { isOver, setOver } from './over';
import { router, type SignInSearch } from './router';
import { here } from './signIn';
import { forgetUnsaved, keepUnsaved } from './unsaved';

/** Leads to the sign-in page and back to where one is. What was typed is kept, see unsaved.ts. */
export function sessionEnded(): void {
  if (isOver() || !queryClient.getQueryData(meQuery.queryKey)) return; // it is known already, or nobody was signed in
  setOver();
  keepUnsaved();
  leave({ return: here(), reason: 'ended' });
}

/** Goes to the sign-in page and forgets, in this order: a page that forgets who it is for asks the server, and fails. */
function leave(search: SignInSearch): void {
  void router.navigate({ to: '/sign-in', search, replace: true }).finally(forget);
}

/** Forgets all but how one may sign in, which the page there shows. */
function forget(): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'providers' });
  queryClient.getMutationCache().clear();
}

/** Begins to watch; once, in the app's root. */
export function watchSession(): () => void {
  return seeProblems((problem) => {
    if (signedOut(problem)) sessionEnded();
  });
}

/** After signing out: leads on to where one is signed out at the provider too. */
export function left(logoutURL: string): void {
  setOver();
  forgetUnsaved();
  if (logoutURL) {
    window.addEventListener('pagehide', forget);
    window.location.assign(logoutURL);
  } else leave({ reason: 'left' });
}
