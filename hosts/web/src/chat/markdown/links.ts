/** The address of a link that may be followed from an answer; empty if it may not. */
export function safeAddress(address: string | undefined): string {
  if (!address || !/^(?:https?:\/\/|mailto:)/i.test(address)) return '';
  try {
    const url = new URL(address);
    return url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'mailto:' ? url.href : '';
  } catch {
    return '';
  }
}

/** An address as a person reads it. */
export function shownAddress(address: string): string {
  return address.length > 80 ? `${address.slice(0, 77)}…` : address;
}
