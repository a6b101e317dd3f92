import { Link } from '@tanstack/react-router';
import { Check, Keyboard, LogOut, MonitorSmartphone } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useBalance, useMe, useSignOut, useSwitchAccount } from '@/api/queries/me';
import { told } from '@/i18n/told';
import { Badge } from '@/ui/Badge';
import { cx } from '@/ui/cx';
import { Money } from '@/ui/Money';
import { toastProblem } from '@/ui/toast';
import { Looks } from './Looks';
import { areaOf } from './nav';
import { left } from './session';

const row = 'flex min-h-9 w-full items-center gap-3 rounded-md px-2 text-left hover:bg-hover touch:min-h-11';

interface Props {
  name: string;
  onClose: () => void;
  onHelp: () => void;
}

/** What stands behind the account: status, accounts, looks, the way out. */
export default function AccountPanel({ name, onClose, onHelp }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const out = useSignOut();
  const signOut = () => out.mutate(undefined, { onSuccess: ({ logout_url }) => left(logout_url), onError: (error) => toastProblem(t('account.signOutFailed'), error) });
  return (
    <>
      <div className="border-b border-line px-4 py-3">
        <p className="font-medium">{name}</p>
        {me.user?.email && me.user.email !== name && <p className="text-xs text-quiet">{me.user.email}</p>}
        <Status />
      </div>
      <Accounts onDone={onClose} />
      <div className="border-b border-line p-4">
        <Looks />
      </div>
      <div className="p-2">
        <Link to="/sessions" className={row} onClick={onClose}>
          <MonitorSmartphone className="size-4 text-quiet" aria-hidden />
          {t('nav.sessions')}
        </Link>
        <button
          type="button"
          className={cx(row, 'touch:hidden')}
          onClick={() => {
            onClose();
            onHelp();
          }}
        >
          <Keyboard className="size-4 text-quiet" aria-hidden />
          {t('help.title')}
        </button>
        <button type="button" className={row} disabled={out.isPending} onClick={signOut}>
          <LogOut className="size-4 text-quiet" aria-hidden />
          {t('account.signOut')}
        </button>
      </div>
    </>
  );
}

/** Chat, API and credits in a word each. */
function Status() {
  const { t } = useTranslation();
  const me = useMe();
  const balance = useBalance().data;
  return (
    <dl className="mt-3 flex flex-col gap-1.5">
      {(['chat', 'api'] as const).map((name) => {
        const area = areaOf(me, name);
        return (
          <div key={name} className="flex flex-wrap items-center justify-between gap-x-4">
            <dt className="text-quiet">{t(`area.${name}`)}</dt>
            <dd>
              <Badge look={area?.allowed ? 'ok' : 'warn'}>{t(area?.allowed ? 'area.open' : 'area.shut')}</Badge>
            </dd>
            {area?.reasons[0] && <dd className="w-full text-xs text-quiet">{told('reasons', area.reasons[0].code, area.reasons[0].sentence).sentence}</dd>}
          </div>
        );
      })}
      {balance && (
        <div className="flex items-center justify-between gap-4">
          <dt className="text-quiet">{t('balance.credits')}</dt>
          <dd>
            <Badge look={balance.available > 0 ? 'neutral' : 'danger'}>
              <Money microcredits={balance.available} bare />
            </Badge>
          </dd>
        </div>
      )}
    </dl>
  );
}

/** The accounts that one belongs to, where there are several. */
function Accounts({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const change = useSwitchAccount();
  if (me.accounts.length < 2 && me.account) return null;
  if (me.accounts.length === 0) return null;
  const go = (id: string) =>
    change.mutate(id, {
      // A new page: nothing of the other account stays in memory.
      onSuccess: () => window.location.assign('/chat'),
      onError: (error) => toastProblem(t('account.switchFailed'), error),
    });
  return (
    <div className="border-b border-line p-2">
      <h2 className="px-2 pt-1 pb-1 text-xs font-medium text-faint">{t('account.accounts')}</h2>
      <ul>
        {me.accounts.map(({ id, name, role, status }) => (
          <li key={id}>
            <button type="button" className={cx(row, 'py-1.5')} aria-current={id === me.account?.id || undefined} disabled={change.isPending} onClick={() => (id === me.account?.id ? onDone() : go(id))}>
              <span className="min-w-0 flex-1">
                <span className="block truncate">{name}</span>
                <span className="block text-xs text-quiet">{t(status === 'active' ? `account.role.${role}` : `account.status.${status}`)}</span>
              </span>
              {id === me.account?.id && <Check className="size-4 shrink-0" aria-hidden />}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
