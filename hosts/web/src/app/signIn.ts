/** The ways to the provider. They leave the page. */
import { meQuery } from '@/api/queries/me';
import { queryClient } from '@/api/queryClient';
import { keepUnsaved } from './unsaved';

/** Where a provider's sign-in begins. */
export function signInURL(start: string, back?: string): string {
  return back ? `${start}?return=${encodeURIComponent(back)}` : start;
}

/** The address of this page, without what stands behind #. */
export function here(): string {
  return window.location.pathname + window.location.search;
}

/** Has the person sign in anew, for what wants a fresh sign-in, and come back here. */
export function signInAgain(): void {
  const provider = queryClient.getQueryData(meQuery.queryKey)?.user?.provider;
  if (!provider) return;
  keepUnsaved();
  window.location.assign(`/auth/${encodeURIComponent(provider)}/start?fresh=1&return=${encodeURIComponent(here())}`);
}
