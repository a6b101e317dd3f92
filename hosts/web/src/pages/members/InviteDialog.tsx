import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useInvite, type NewInvitation, type Role } from '@/api/queries/members';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Input } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { Radios } from '../Options';
import { isEmail } from '../email';
import { focusFirst } from '../focus';
import { useMoment } from '../moment';
import { problemAt } from '../problemAt';
import { ShownOnce } from '../ShownOnce';

interface Props {
  /** Whom it is for, where that is known. */
  email: string;
  role: Role;
  onClose: () => void;
}

const roles: Role[] = ['member', 'admin'];

/** InviteDialog makes an invitation, and shows its link this once. */
export function InviteDialog({ email, role, onClose }: Props) {
  const [made, setMade] = useState<NewInvitation | null>(null);
  return made ? <Made made={made} onClose={onClose} /> : <Ask email={email} role={role} onClose={onClose} onMade={setMade} />;
}

function Ask({ email, role, onClose, onMade }: Props & { onMade: (made: NewInvitation) => void }) {
  const { t } = useTranslation('members');
  const invite = useInvite();
  const [form, setForm] = useState({ email, role });
  const [wrong, setWrong] = useState(false);
  const ref = useRef<HTMLFormElement>(null);
  const told = problemAt(invite.error, { email: 'email' });

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const to = form.email.trim();
    setWrong(!isEmail(to));
    invite.reset();
    if (!isEmail(to)) {
      focusFirst(ref.current);
      return;
    }
    invite.mutate({ email: to, role: form.role }, { onSuccess: onMade, onError: () => focusFirst(ref.current) });
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !invite.isPending && onClose()}
      title={t('inviting.title')}
      description={t('inviting.lead')}
      width="sm"
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={invite.isPending}>
            {t('inviting.cancel')}
          </Button>
          <Button look="primary" type="submit" form="invite" busy={invite.isPending}>
            {t('inviting.submit')}
          </Button>
        </>
      }
    >
      <form id="invite" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-5">
        {invite.isError && told.email === undefined && <ProblemCard error={invite.error} />}
        <Field label={t('inviting.email')} hint={t('inviting.emailHint')} error={wrong ? t('inviting.emailFault') : told.email} required>
          <Input type="email" autoComplete="off" value={form.email} onChange={(e) => setForm({ ...form, email: e.currentTarget.value })} />
        </Field>
        <Radios<Role>
          legend={t('inviting.role')}
          value={form.role}
          onChange={(role) => setForm({ ...form, role })}
          options={roles.map((value) => ({ value, label: t(`role.${value}`), hint: t(`roleHint.${value}`) }))}
        />
      </form>
    </Dialog>
  );
}

function Made({ made, onClose }: { made: NewInvitation; onClose: () => void }) {
  const { t } = useTranslation('members');
  const moment = useMoment();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('inviting.made', { email: made.email })}
      description={t('inviting.once', { at: moment(made.expires_at) })}
      dismissable={false}
      footer={
        <Button look="primary" onClick={onClose}>
          {t('inviting.stored')}
        </Button>
      }
    >
      <ShownOnce label={t('inviting.link')} text={made.link} copy={t('inviting.copy')} testid="invitation-link" />
    </Dialog>
  );
}
