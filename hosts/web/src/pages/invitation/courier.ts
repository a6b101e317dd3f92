// The one courier of this page. main.tsx asks it first of all, so that the token
// leaves the address before anything else is loaded.

import { Courier } from './token';

export const courier = new Courier(window);

/** begin takes the token out of the address, if this is where invitations lead. */
export function begin(): void {
  if (window.location.pathname === '/invitation') courier.take();
}
