/** What a browser keeps for its owner: choices of looks, language and model, never anything of an account. */

export function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is closed: nothing is kept
  }
}

/** Keeps a value; null takes it away. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // storage is closed: the choice lasts as long as the page
  }
}
