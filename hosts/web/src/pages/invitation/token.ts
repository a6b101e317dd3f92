// The token of an invitation, from the link in somebody's hands to the one
// request that it is for.
//
// It comes in the fragment, which no server sees. It is taken out of the address
// at once, so that neither the history nor a shared screen keeps it, and stays in
// memory. Only when the person leaves to sign in is it put into sessionStorage:
// that is the one place that survives the way to the provider and back, is this
// tab's alone, is sent nowhere and ends with the tab. (localStorage would show it
// to every tab and outlive the browser; a cookie would go out with each request;
// the return path would stand in the server's log and the provider's history.)
// It is removed from there as soon as the page is back, and ignored after as
// long as a sign-in may take.

const slot = 'archibot.invitation';

/** A sign-in is given up after ten minutes. */
export const keepFor = 10 * 60_000;

/** Where the token passes by; a part of window, so that tests can play it. */
export interface Place {
  location: { hash: string; pathname: string; search: string };
  history: { state: unknown; replaceState(state: unknown, unused: string, url: string): void };
  sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

const form = /^[\w-]{16,64}$/;

/** Courier carries the token of one visit. */
export class Courier {
  #token: string | undefined;

  constructor(private readonly place: Place, private readonly now: () => number = Date.now) {}

  /**
   * take returns the token: that of the address, which loses it, else the one
   * that was left before a sign-in, which is removed, else the one taken before.
   */
  take(): string | undefined {
    this.#token = this.#fromAddress() ?? this.#fromStorage() ?? this.#token;
    return this.#token;
  }

  /** leave keeps the token for the way to the provider and back. */
  leave(): void {
    if (this.#token === undefined) return;
    try {
      this.place.sessionStorage.setItem(slot, JSON.stringify({ token: this.#token, until: this.now() + keepFor }));
    } catch {
      // No storage: the person opens their link again after the sign-in.
    }
  }

  /** drop forgets it: it was used, or is of no use. */
  drop(): void {
    this.#token = undefined;
    this.#clear();
  }

  #fromAddress(): string | undefined {
    const { location, history } = this.place;
    const text = location.hash.replace(/^#/, '');
    if (text === '') return undefined;
    history.replaceState(history.state, '', location.pathname + location.search);
    if (!form.test(text)) return undefined;
    this.#clear(); // an older one that was left
    return text;
  }

  #fromStorage(): string | undefined {
    try {
      const kept = this.place.sessionStorage.getItem(slot);
      if (kept === null) return undefined;
      this.#clear();
      const { token, until } = JSON.parse(kept) as { token?: unknown; until?: unknown };
      if (typeof token !== 'string' || !form.test(token) || typeof until !== 'number') return undefined;
      return this.now() < until ? token : undefined;
    } catch {
      return undefined;
    }
  }

  #clear(): void {
    try {
      this.place.sessionStorage.removeItem(slot);
    } catch {
      // No storage, nothing in it.
    }
  }
}
