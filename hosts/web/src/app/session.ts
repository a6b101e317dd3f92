/** The end of a session: by the person, or found out by a call that was refused. */
import { seeProblems } from '@/api/client';
import { signedOut } from '@/api/problem';
import { meQuery } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { router } from './router';
import { here } from './signIn';
import { forgetUnsaved, keepUnsaved } from './unsaved';

/** Leads to the sign-in page and back to where one is. What was typed is kept, see unsaved.ts. */
export function sessionEnded(): void {
  if (!queryClient.getQueryData(meQuery.queryKey)) return; // nobody was signed in, or it is known already
  keepUnsaved();
  const back = here();
  queryClient.clear();
  void router.navigate({ to: '/sign-in', search: { return: back, reason: 'ended' }, replace: true });
}

/** Begins to watch; once, in the app's root. */
export function watchSession(): () => void {
  return seeProblems((problem) => {
    if (signedOut(problem)) sessionEnded();
  });
}

/** After signing out: leads on to where one is signed out at the provider too. */
export function left(logoutURL: string): void {
  forgetUnsaved();
  queryClient.clear();
  if (logoutURL) window.location.assign(logoutURL);
  else void router.navigate({ to: '/sign-in', search: { reason: 'left' }, replace: true });
}
