import { Link, useRouterState } from '@tanstack/react-router';
import { Lock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { told } from '@/i18n/told';
import { cx } from '@/ui/cx';
import { Tooltip } from '@/ui/Tooltip';
import { AccountMenu } from './AccountMenu';
import { Brand } from './Brand';
import { areaOf, destinationAt, destinationsOf, type Destination } from './nav';

interface Props {
  /** Takes the place that pages may fill. */
  slot: (element: HTMLElement | null) => void;
  onHelp: () => void;
}

/** The navigation, what the page puts under it, and the account; on phones within the drawer. */
export function Sidebar({ slot, onHelp }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <>
      <Link to="/chat" className="mx-2 mt-2 flex min-h-10 items-center rounded-md px-2" aria-label={t('nav.home')}>
        <Brand />
      </Link>
      <nav aria-label={t('nav.label')} className="p-2">
        <ul className="flex flex-col gap-0.5">
          {destinationsOf(me)
            .filter(({ quiet }) => !quiet)
            .map((destination) => (
              <li key={destination.to}>
                <Entry destination={destination} />
              </li>
            ))}
        </ul>
      </nav>
      <div ref={slot} className="min-h-0 flex-1 overflow-y-auto" />
      <div className="border-t border-line p-2">
        <AccountMenu onHelp={onHelp} />
      </div>
    </>
  );
}

function Entry({ destination: { to, name, icon: Icon, area } }: { destination: Destination }) {
  const { t } = useTranslation();
  const me = useMe();
  const here = useRouterState({ select: ({ location }) => destinationAt(location.pathname)?.to === to });
  const shut = areaOf(me, area)?.allowed === false ? areaOf(me, area)?.reasons[0] : undefined;
  const closed = shut && told('reasons', shut.code, shut.sentence);
  const link = (
    <Link
      to={to}
      aria-current={here ? 'page' : undefined}
      className={cx('flex min-h-9 items-center gap-3 rounded-md px-2 touch:min-h-11', here ? 'bg-pressed font-medium' : 'text-quiet hover:bg-hover hover:text-ink')}
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="min-w-0 flex-1 truncate">{t(`nav.${name}`)}</span>
      {closed && (
        <>
          <Lock className="size-3.5 shrink-0 text-warn" aria-hidden />
          <span className="sr-only">{t('nav.closed', { reason: closed.sentence })}</span>
        </>
      )}
    </Link>
  );
  return closed ? (
    <Tooltip text={closed.sentence} side="right">
      {link}
    </Tooltip>
  ) : (
    link
  );
}
