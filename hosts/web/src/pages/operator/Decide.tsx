import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useDeny, useReopen, type AccessRequest } from '@/api/queries/access';
import { AlertDialog } from '@/ui/AlertDialog';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Textarea } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { focusFirst } from '../focus';
import { problemAt } from '../problemAt';
import { isReason } from './terms';

interface Props {
  request: AccessRequest;
  onClose: () => void;
}

/** Deny refuses a request with a reason, which the applicant reads. */
export function Deny({ request, onClose }: Props) {
  const { t } = useTranslation('access');
  const deny = useDeny();
  const [reason, setReason] = useState('');
  const [missing, setMissing] = useState(false);
  const ref = useRef<HTMLFormElement>(null);
  const told = problemAt(deny.error, { reason: 'reason' });

  const submit = (e: FormEvent) => {
    e.preventDefault();
    setMissing(!isReason(reason));
    deny.reset();
    if (!isReason(reason)) {
      focusFirst(ref.current);
      return;
    }
    deny.mutate(
      { id: request.id, reason: reason.trim() },
      {
        onSuccess: () => {
          toast({ title: t('operator.denying.done'), look: 'ok' });
          onClose();
        },
        onError: () => focusFirst(ref.current),
      },
    );
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !deny.isPending && onClose()}
      title={t('operator.denying.title', { company: request.company })}
      description={t('operator.denying.lead')}
      width="sm"
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={deny.isPending}>
            {t('operator.cancel')}
          </Button>
          <Button look="danger" type="submit" form="deny" busy={deny.isPending}>
            {t('operator.denying.submit')}
          </Button>
        </>
      }
    >
      <form id="deny" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-4">
        {deny.isError && told.reason === undefined && <ProblemCard error={deny.error} />}
        <Field label={t('operator.denying.reason')} error={missing ? t('operator.denying.reasonFault') : told.reason} required>
          <Textarea rows={4} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        </Field>
      </form>
    </Dialog>
  );
}

/** Reopen takes a denial back. */
export function Reopen({ request, onClose }: Props) {
  const { t } = useTranslation('access');
  const reopen = useReopen();
  const confirm = () =>
    reopen.mutate(request.id, {
      onSuccess: () => {
        toast({ title: t('operator.reopening.done'), look: 'ok' });
        onClose();
      },
    });
  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('operator.reopening.title', { company: request.company })}
      description={t('operator.reopening.text')}
      confirm={t('operator.reopening.submit')}
      onConfirm={confirm}
      busy={reopen.isPending}
      look="primary"
    >
      {reopen.isError && <ProblemCard error={reopen.error} />}
    </AlertDialog>
  );
}
