import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useSetLimit, type Limit } from '@/api/queries/members';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Input } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { focusFirst } from '../focus';
import { problemAt } from '../problemAt';
import { toLimit, toLimitForm, type LimitFaults, type LimitForm } from './limit';

interface Props {
  /** "account", or a member's ID. */
  whose: string;
  /** The member's; absent for the account. */
  name?: string;
  limit: Limit | undefined;
  onClose: () => void;
}

const names: Record<string, keyof LimitForm> = { monthly: 'monthly', requests_per_minute: 'requests', tokens_per_minute: 'tokens' };

/** LimitDialog sets what a member, or the account, may spend. */
export function LimitDialog({ whose, name, limit, onClose }: Props) {
  const { t } = useTranslation('members');
  const set = useSetLimit();
  const [form, setForm] = useState(() => toLimitForm(limit));
  const [faults, setFaults] = useState<LimitFaults>({});
  const ref = useRef<HTMLFormElement>(null);
  const told = problemAt(set.error, names);
  const error = (field: keyof LimitForm) => (faults[field] ? t(faults[field]) : told[field]);
  const change = (field: keyof LimitForm) => (e: { currentTarget: { value: string } }) => setForm({ ...form, [field]: e.currentTarget.value });

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const read = toLimit(form);
    setFaults('faults' in read ? read.faults : {});
    set.reset();
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    set.mutate(
      { whose, limit: read.limit },
      {
        onSuccess: () => {
          toast({ title: t('limit.done'), look: 'ok' });
          onClose();
        },
        onError: () => focusFirst(ref.current),
      },
    );
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !set.isPending && onClose()}
      title={name === undefined ? t('limit.account') : t('limit.title', { name })}
      description={name === undefined ? t('limit.lead') : `${t('limit.lead')} ${t('limit.leadMember')}`}
      width="sm"
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={set.isPending}>
            {t('limit.cancel')}
          </Button>
          <Button look="primary" type="submit" form="set-limit" busy={set.isPending}>
            {t('limit.submit')}
          </Button>
        </>
      }
    >
      <form id="set-limit" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-4">
        {set.isError && Object.keys(told).length === 0 && <ProblemCard error={set.error} />}
        <Field label={t('limit.monthly')} hint={t('limit.monthlyHint')} error={error('monthly')}>
          <Input inputMode="decimal" autoComplete="off" value={form.monthly} onChange={change('monthly')} />
        </Field>
        <Field label={t('limit.requests')} error={error('requests')}>
          <Input inputMode="numeric" autoComplete="off" value={form.requests} onChange={change('requests')} />
        </Field>
        <Field label={t('limit.tokens')} error={error('tokens')}>
          <Input inputMode="numeric" autoComplete="off" value={form.tokens} onChange={change('tokens')} />
        </Field>
      </form>
    </Dialog>
  );
}
