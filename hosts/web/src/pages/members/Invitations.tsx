import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useInvitations, useRevokeInvitation, type Invitation } from '@/api/queries/members';
import { AlertDialog } from '@/ui/AlertDialog';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { Checkbox } from '@/ui/Checkbox';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Table } from '@/ui/Table';
import { Time } from '@/ui/Time';
import { toast } from '@/ui/toast';
import { useReturnFocus } from '../returnFocus';

const looks = { open: 'accent', accepted: 'ok', revoked: 'neutral', replaced: 'neutral', expired: 'neutral' } as const;

/** Invitations are those of the account that are open, and those that are over if asked for. */
export function Invitations({ onInvite }: { onInvite: (invitation: Invitation) => void }) {
  const { t } = useTranslation('members');
  const invitations = useInvitations({ enabled: true });
  const [over, setOver] = useState(false);
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  useReturnFocus(revoking !== null);
  const all = invitations.data?.pages.flatMap((p) => p.data) ?? [];
  const shown = over ? all : all.filter((i) => i.state === 'open');
  return (
    <section className="flex flex-col gap-3">
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
        <div>
          <h2 className="text-base font-semibold">
            {t('invitations.title')}
          </h2>
          <p className="text-quiet">{t('invitations.lead')}</p>
        </div>
        {all.some((i) => i.state !== 'open') && <Checkbox checked={over} onCheckedChange={setOver} label={t('invitations.over')} />}
      </div>
      {invitations.isPending && <SkeletonRows rows={2} label={t('invitations.title')} />}
      {invitations.isError && <ProblemCard error={invitations.error} onRetry={() => void invitations.refetch()} retrying={invitations.isFetching} />}
      {invitations.isSuccess && shown.length === 0 && <p className="rounded-md border border-line px-4 py-6 text-center text-quiet">{t('invitations.empty')}</p>}
      {shown.length > 0 && (
        <Table
          caption={t('invitations.title')}
          rows={shown}
          rowKey={(i) => i.id}
          rowProps={(i) => ({ 'data-testid': 'invitation', 'data-id': i.id })}
          columns={[
            {
              key: 'email',
              header: t('invitations.columns.email'),
              cell: (i) => (
                <>
                  {i.email}
                  <p className="flex flex-wrap items-center gap-2 text-xs text-quiet desk:hidden">
                    {t(`role.${i.role}`)}
                    <State invitation={i} />
                  </p>
                </>
              ),
            },
            { key: 'role', header: t('invitations.columns.role'), desk: true, cell: (i) => t(`role.${i.role}`) },
            { key: 'state', header: t('invitations.columns.state'), desk: true, cell: (i) => <State invitation={i} /> },
            { key: 'until', header: t('invitations.columns.until'), desk: true, cell: (i) => <Time at={i.ended_at ?? i.expires_at} /> },
            {
              key: 'actions',
              header: t('invitations.columns.actions'),
              quiet: true,
              align: 'right',
              cell: (i) =>
                i.state === 'open' ? (
                  <Button size="sm" onClick={() => setRevoking(i)} aria-label={t('invitations.revokeLabel', { email: i.email })}>
                    {t('invitations.revoke')}
                  </Button>
                ) : (
                  i.state !== 'accepted' && (
                    <Button size="sm" onClick={() => onInvite(i)} aria-label={t('invitations.againLabel', { email: i.email })}>
                      {t('invitations.again')}
                    </Button>
                  )
                ),
            },
          ]}
        />
      )}
      {invitations.hasNextPage && (
        <Button className="self-center" busy={invitations.isFetchingNextPage} onClick={() => void invitations.fetchNextPage()}>
          {t('invitations.more')}
        </Button>
      )}
      {revoking && <Revoke invitation={revoking} onClose={() => setRevoking(null)} />}
    </section>
  );
}

function State({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation('members');
  return <Badge look={looks[invitation.state]}>{t(`invitations.state.${invitation.state}`)}</Badge>;
}

function Revoke({ invitation, onClose }: { invitation: Invitation; onClose: () => void }) {
  const { t } = useTranslation('members');
  const revoke = useRevokeInvitation();
  const confirm = () =>
    revoke.mutate(invitation.id, {
      onSuccess: () => {
        toast({ title: t('invitations.revoked'), look: 'ok' });
        onClose();
      },
    });
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('invitations.revokeTitle', { email: invitation.email })}
      description={t('invitations.revokeText')}
      confirm={t('invitations.revoke')}
      onConfirm={confirm}
      busy={revoke.isPending}
    >
      {revoke.isError && <ProblemCard error={revoke.error} />}
    </AlertDialog>
  );
}
