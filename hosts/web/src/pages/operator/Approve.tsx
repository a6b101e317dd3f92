import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useApprove, type ApprovedRequest } from '@/api/queries/access';
import { useMe } from '@/api/queries/me';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Input, Select } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { products, type Product } from '../access/form';
import { focusFirst } from '../focus';
import { useMoment } from '../moment';
import { Ticks } from '../Options';
import { problemAt } from '../problemAt';
import { ShownOnce } from '../ShownOnce';
import { billings, toTerms, type ApproveFaults, type ApproveForm, type Billing } from './terms';

interface Props {
  form: ApproveForm;
  company: string;
  email: string;
  onChange: (form: ApproveForm) => void;
  onClose: () => void;
  onDone: (approved: ApprovedRequest) => void;
}

const names: Record<string, 'name' | 'groups'> = { name: 'name', groups: 'groups' };

/** Approve asks what the account begins with. It needs a sign-in of late, and outlives one. */
export function Approve({ form, company, email, onChange, onClose, onDone }: Props) {
  const { t } = useTranslation('access');
  const approve = useApprove();
  const fresh = useFresh();
  const [faults, setFaults] = useState<ApproveFaults>({});
  const ref = useRef<HTMLFormElement>(null);
  const told = problemAt(approve.error, names);
  const wrong = (field: 'name' | 'groups') => (faults[field] ? t(faults[field]) : told[field]);

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const read = toTerms(form);
    setFaults('faults' in read ? read.faults : {});
    approve.reset();
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    approve.mutate({ id: form.id, terms: read.terms }, { onSuccess: onDone, onError: () => focusFirst(ref.current) });
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !approve.isPending && onClose()}
      title={t('operator.approving.title', { company })}
      description={t('operator.approving.lead', { email })}
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={approve.isPending}>
            {t('operator.cancel')}
          </Button>
          <Button look="primary" type="submit" form="approve" busy={approve.isPending}>
            {t('operator.approving.submit')}
          </Button>
        </>
      }
    >
      <form id="approve" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-5">
        {approve.isError && Object.keys(told).length === 0 && <ProblemCard error={approve.error} />}
        <Field label={t('operator.approving.name')} error={wrong('name')} required>
          <Input autoComplete="off" value={form.name} onChange={(e) => onChange({ ...form, name: e.currentTarget.value })} />
        </Field>
        <Ticks<Product>
          legend={t('operator.approving.groups')}
          error={wrong('groups')}
          value={form.groups}
          onChange={(groups) => onChange({ ...form, groups })}
          options={products.map((value) => ({ value, label: t(`product.${value}`) }))}
        />
        <Field label={t('operator.approving.billing')}>
          <Select value={form.billing} onChange={(e) => onChange({ ...form, billing: e.currentTarget.value as Billing })}>
            {billings.map((b) => (
              <option key={b} value={b}>
                {t(`operator.approving.billings.${b}`)}
              </option>
            ))}
          </Select>
        </Field>
        {!fresh && <p className="text-xs text-quiet">{t('operator.approving.fresh')}</p>}
      </form>
    </Dialog>
  );
}

/** useFresh reports whether the sign-in was recent enough when the dialog was opened. */
function useFresh(): boolean {
  const until = useMe().session.fresh_until;
  const [fresh] = useState(() => until !== undefined && Date.parse(until) > Date.now());
  return fresh;
}

/** Approved shows the invitation of an approved applicant, this once. */
export function Approved({ approved, onClose }: { approved: ApprovedRequest; onClose: () => void }) {
  const { t } = useTranslation('access');
  const moment = useMoment();
  const { access_request: request, invitation } = approved;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('operator.approving.made', { company: request.company })}
      description={t('operator.approving.once', { email: request.email, at: moment(invitation.expires_at) })}
      dismissable={false}
      footer={
        <Button look="primary" onClick={onClose}>
          {t('operator.approving.stored')}
        </Button>
      }
    >
      <ShownOnce label={t('operator.approving.link')} text={invitation.link} copy={t('operator.approving.copy')} testid="invitation-link" />
    </Dialog>
  );
}
