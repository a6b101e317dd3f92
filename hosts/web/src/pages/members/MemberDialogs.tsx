import { useTranslation } from 'react-i18next';
import { useKeys } from '@/api/queries/keys';
import { useMe } from '@/api/queries/me';
import { useChangeRole, useRemoveMember, type Member } from '@/api/queries/members';
import { left } from '@/app/session';
import { AlertDialog } from '@/ui/AlertDialog';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';

interface Props {
  target: Member;
  name: string;
  onClose: () => void;
}

/** ChangeRole asks before somebody may do more, or less. */
export function ChangeRole({ target, name, onClose }: Props) {
  const { t } = useTranslation('members');
  const me = useMe();
  const change = useChangeRole();
  const to = target.role === 'admin' ? 'member' : 'admin';
  const self = me.user?.id === target.user_id;
  const confirm = () =>
    change.mutate(
      { user: target.user_id, role: to },
      {
        onSuccess: () => {
          toast({ title: t('change.done'), look: 'ok' });
          onClose();
        },
      },
    );
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t(`change.${to}`, { name })}
      description={self ? t('change.self') : t(`change.${to}Text`)}
      confirm={t('change.submit')}
      onConfirm={confirm}
      busy={change.isPending}
      look={self ? 'danger' : 'primary'}
    >
      {change.isError && <ProblemCard error={change.error} />}
    </AlertDialog>
  );
}

/** RemoveMember names what ends with somebody's membership before it does. */
export function RemoveMember({ target, name, onClose }: Props) {
  const { t } = useTranslation('members');
  const remove = useRemoveMember();
  const keys = useKeys();
  const theirs = keys.data?.pages.flatMap((p) => p.data).filter((k) => k.user_id === target.user_id && k.state === 'active').length;
  // Of a list that goes on, the count would be too small.
  const counted = theirs !== undefined && !keys.hasNextPage;
  const confirm = () =>
    remove.mutate(target.user_id, {
      onSuccess: () => {
        toast({ title: t('remove.done', { name }), look: 'ok' });
        onClose();
      },
    });
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('remove.title', { name })}
      description={t('remove.text')}
      confirm={t('remove.submit')}
      onConfirm={confirm}
      busy={remove.isPending}
    >
      <div className="flex flex-col gap-4">
        <ul className="list-disc space-y-1 pl-5 marker:text-faint">
          <li>{t('remove.sessions')}</li>
          <li>{counted ? t('remove.keys', { count: theirs }) : t('remove.keysUnknown')}</li>
        </ul>
        <p className="text-quiet">{t('remove.back')}</p>
        {remove.isError && <ProblemCard error={remove.error} />}
      </div>
    </AlertDialog>
  );
}

/** LeaveAccount ends one's own membership. */
export function LeaveAccount({ user, account, onClose }: { user: string; account: string; onClose: () => void }) {
  const { t } = useTranslation('members');
  const remove = useRemoveMember();
  const confirm = () =>
    remove.mutate(user, {
      onSuccess: () => {
        toast({ title: t('leave.done'), look: 'ok' });
        onClose();
        left(''); // the session ended with the membership
      },
    });
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('leave.title', { account })}
      description={t('leave.text')}
      confirm={t('leave.submit')}
      onConfirm={confirm}
      busy={remove.isPending}
    >
      {remove.isError && <ProblemCard error={remove.error} />}
    </AlertDialog>
  );
}
