/** The pages that one can go to, by role and by what is open. */
import { Inbox, KeyRound, MessageSquare, MonitorSmartphone, SlidersHorizontal, Users, type LucideIcon } from 'lucide-react';
import type { Area, AreaName, Me } from '@/api/queries/me';

export interface Destination {
  to: '/chat' | '/keys' | '/members' | '/setup' | '/sessions' | '/operator/requests';
  name: 'chat' | 'keys' | 'members' | 'setup' | 'sessions' | 'requests';
  icon: LucideIcon;
  /** The second key after g. */
  key: string;
  /** What must be open for its use. The page can be visited all the same, and says why it is not. */
  area?: AreaName;
  /** Who it is for; everybody if absent. */
  of?: 'admin' | 'operator';
  /** Without an account there is nothing on it. */
  account?: boolean;
  /** It stands in the account's menu rather than in the navigation. */
  quiet?: boolean;
}

export const destinations: readonly Destination[] = [
  { to: '/chat', name: 'chat', icon: MessageSquare, key: 'c', area: 'chat', account: true },
  { to: '/keys', name: 'keys', icon: KeyRound, key: 'k', area: 'api', account: true },
  { to: '/members', name: 'members', icon: Users, key: 'm', of: 'admin', account: true },
  { to: '/setup', name: 'setup', icon: SlidersHorizontal, key: 's', of: 'admin', account: true },
  { to: '/operator/requests', name: 'requests', icon: Inbox, key: 'r', of: 'operator' },
  { to: '/sessions', name: 'sessions', icon: MonitorSmartphone, key: 'o', quiet: true },
];

export function areaOf(me: Me, name: AreaName | undefined): Area | undefined {
  return me.areas.find(({ area }) => area === name);
}

/** What somebody may go to. Areas that this service does not offer at all are left out. */
export function destinationsOf(me: Me): Destination[] {
  return destinations.filter(({ of, area }) => {
    if (of === 'operator') return areaOf(me, 'operator')?.allowed === true;
    if (of === 'admin') return me.session.role === 'admin';
    return !areaOf(me, area)?.reasons.some(({ code }) => code === 'area_disabled');
  });
}

/** The destination that an address belongs to. */
export function destinationAt(path: string): Destination | undefined {
  return destinations.find(({ to }) => path === to || path.startsWith(`${to}/`));
}
