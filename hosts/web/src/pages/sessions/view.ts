// What ends when, as the session at hand shows it.

export interface Ends {
  created_at: string;
  idle_expires_at: string;
  expires_at: string;
}

/** rules returns after how many minutes without use, and hours in any case, sessions like this one end. */
export function rules(s: Ends, seenAt: string | undefined): { minutes: number | undefined; hours: number } {
  const minutes = seenAt === undefined ? undefined : Math.round((Date.parse(s.idle_expires_at) - Date.parse(seenAt)) / 60_000);
  const hours = Math.round((Date.parse(s.expires_at) - Date.parse(s.created_at)) / 3_600_000);
  return { minutes, hours };
}
