import { Ellipsis, UserPlus, Users } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { useLimits, useMembers, type Limit, type Member, type Role } from '@/api/queries/members';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/members.json';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/EmptyState';
import { IconButton } from '@/ui/IconButton';
import { Menu, MenuItem } from '@/ui/Menu';
import { PageHeader } from '@/ui/PageHeader';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Table } from '@/ui/Table';
import { Time } from '@/ui/Time';
import { Budget, Rates } from './members/Budget';
import { Invitations } from './members/Invitations';
import { InviteDialog } from './members/InviteDialog';
import { LimitDialog } from './members/LimitDialog';
import { ChangeRole, LeaveAccount, RemoveMember } from './members/MemberDialogs';
import { useCredits } from './moment';
import { useReturnFocus } from './returnFocus';

addTexts('members', texts);

type Open = { what: 'invite'; email: string; role: Role } | { what: 'role' | 'remove' | 'limit'; member: Member } | { what: 'budget' | 'leave' } | null;

/** /members: who belongs to the account. Administrators see and change it. */
export default function MembersPage() {
  const { t } = useTranslation('members');
  useTitle(t('title'));
  const me = useMe();
  const admin = me.session.role === 'admin';
  const limits = useLimits({ enabled: admin });
  const [open, setOpen] = useState<Open>(null);
  const close = () => setOpen(null);
  useReturnFocus(open !== null);
  const account = me.account?.name ?? t('leadAccount');
  const own = me.user?.id;
  const nameOf = (m: Member) => m.name ?? m.email ?? m.user_id;
  const limitOf = (id: string) => limits.data?.find((l) => l.of === 'member' && l.id === id);

  return (
    <>
      <PageHeader title={t('title')} lead={t('lead', { account })}>
        {admin && (
          <Button look="primary" onClick={() => setOpen({ what: 'invite', email: '', role: 'member' })}>
            <UserPlus className="size-4" aria-hidden />
            {t('invite')}
          </Button>
        )}
      </PageHeader>
      {admin ? (
        <div className="flex flex-col gap-8">
          <List limitOf={limitOf} nameOf={nameOf} onOpen={setOpen} />
          <Invitations onInvite={(i) => setOpen({ what: 'invite', email: i.email, role: i.role })} />
          {limits.isError && <ProblemCard error={limits.error} onRetry={() => void limits.refetch()} retrying={limits.isFetching} />}
          {limits.data && <Budget limits={limits.data} onEdit={() => setOpen({ what: 'budget' })} />}
        </div>
      ) : (
        <EmptyState
          icon={Users}
          title={t('empty.title')}
          action={own !== undefined && me.account && <Button onClick={() => setOpen({ what: 'leave' })}>{t('menu.leave')}</Button>}
        >
          {t('empty.text')}
        </EmptyState>
      )}
      {open?.what === 'invite' && <InviteDialog email={open.email} role={open.role} onClose={close} />}
      {open?.what === 'role' && <ChangeRole target={open.member} name={nameOf(open.member)} onClose={close} />}
      {open?.what === 'remove' && <RemoveMember target={open.member} name={nameOf(open.member)} onClose={close} />}
      {open?.what === 'limit' && <LimitDialog whose={open.member.user_id} name={nameOf(open.member)} limit={limitOf(open.member.user_id)} onClose={close} />}
      {open?.what === 'budget' && <LimitDialog whose="account" limit={limits.data?.find((l) => l.of === 'account')} onClose={close} />}
      {open?.what === 'leave' && own !== undefined && <LeaveAccount user={own} account={account} onClose={close} />}
    </>
  );
}

interface ListProps {
  limitOf: (id: string) => Limit | undefined;
  nameOf: (m: Member) => string;
  onOpen: (open: Open) => void;
}

function List({ limitOf, nameOf, onOpen }: ListProps) {
  const { t } = useTranslation('members');
  const me = useMe();
  const members = useMembers({ enabled: true });
  const all = members.data?.pages.flatMap((p) => p.data) ?? [];
  if (members.isPending) return <SkeletonRows rows={4} label={t('title')} />;
  if (members.isError && all.length === 0) return <ProblemCard error={members.error} onRetry={() => void members.refetch()} retrying={members.isFetching} />;
  return (
    <div className="flex flex-col gap-3">
      <Table
        caption={t('title')}
        rows={all}
        rowKey={(m) => m.user_id}
        rowProps={(m) => ({ 'data-testid': 'member', 'data-id': m.user_id })}
        columns={[
          {
            key: 'member',
            header: t('columns.member'),
            className: 'min-w-40',
            cell: (m) => (
              <>
                <p className="flex flex-wrap items-center gap-2 font-medium">
                  {m.name ?? (m.email ? m.email : t('noName'))}
                  {m.user_id === me.user?.id && <Badge>{t('you')}</Badge>}
                </p>
                {m.name && m.email && <p className="text-xs text-quiet">{m.email}</p>}
                <p className="text-xs text-quiet desk:hidden">{t(`role.${m.role}`)}</p>
              </>
            ),
          },
          { key: 'role', header: t('columns.role'), desk: true, cell: (m) => t(`role.${m.role}`) },
          { key: 'since', header: t('columns.since'), desk: true, cell: (m) => <Time at={m.created_at} form="date" className="whitespace-nowrap" /> },
          { key: 'seen', header: t('columns.seen'), desk: true, cell: (m) => (m.last_seen_at ? <Time at={m.last_seen_at} className="whitespace-nowrap" /> : <span className="text-quiet">{t('never')}</span>) },
          { key: 'spent', header: t('columns.spent'), cell: (m) => <Spent limit={limitOf(m.user_id)} /> },
          { key: 'actions', header: t('columns.actions'), quiet: true, align: 'right', cell: (m) => <Deeds member={m} name={nameOf(m)} self={m.user_id === me.user?.id} onOpen={onOpen} /> },
        ]}
      />
      {members.isError && <ProblemCard error={members.error} />}
      {members.hasNextPage && (
        <Button className="self-center" busy={members.isFetchingNextPage} onClick={() => void members.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </div>
  );
}

function Spent({ limit }: { limit: Limit | undefined }) {
  const { t } = useTranslation('members');
  const credits = useCredits();
  if (!limit) return <span className="text-quiet">{t('noCap')}</span>;
  return (
    <>
      {limit.monthly > 0 ? t('spent', { spent: credits(limit.spent), cap: credits(limit.monthly) }) : <span className="text-quiet">{t('noCap')}</span>}
      <div className="text-xs">
        <Rates limit={limit} />
      </div>
    </>
  );
}

function Deeds({ member, name, self, onOpen }: { member: Member; name: string; self: boolean; onOpen: (open: Open) => void }) {
  const { t } = useTranslation('members');
  return (
    <Menu trigger={<IconButton icon={Ellipsis} label={t('menu.label', { name })} size="sm" />}>
      <MenuItem onSelect={() => onOpen({ what: 'role', member })}>{member.role === 'admin' ? t('menu.member') : t('menu.admin')}</MenuItem>
      <MenuItem onSelect={() => onOpen({ what: 'limit', member })}>{t('menu.limit')}</MenuItem>
      <MenuItem look="danger" onSelect={() => onOpen(self ? { what: 'leave' } : { what: 'remove', member })}>
        {self ? t('menu.leave') : t('menu.remove')}
      </MenuItem>
    </Menu>
  );
}
