import { useState } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { useRevokeKey, type Key } from '@/api/queries/keys';
import { AlertDialog } from '@/ui/AlertDialog';
import { Field } from '@/ui/Field';
import { Input } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { useMoment } from '../moment';
import { mustType } from './view';

interface Props {
  target: Key;
  onClose: () => void;
}

/** RevokeKey asks before a key ends; where somebody may miss it, for its last four characters too. */
export function RevokeKey({ target, onClose }: Props) {
  const { t } = useTranslation('keys');
  const moment = useMoment();
  const revoke = useRevokeKey();
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState(false);
  const typing = mustType(target, Date.now());

  const confirm = () => {
    const mismatch = typing && typed.trim() !== target.last4;
    setWrong(mismatch);
    if (mismatch) return;
    revoke.mutate(target.id, {
      onSuccess: () => {
        toast({ title: t('revoke.done'), look: 'ok' });
        onClose();
      },
    });
  };

  return (
    <AlertDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t('revoke.title', { name: target.name })}
      description={`${t('revoke.text')} ${target.last_used_at ? t('revoke.used', { at: moment(target.last_used_at) }) : t('revoke.unused')}`}
      confirm={t('revoke.submit')}
      onConfirm={confirm}
      busy={revoke.isPending}
    >
      {(typing || revoke.isError) && (
        <div className="flex flex-col gap-4">
          {revoke.isError && <ProblemCard error={revoke.error} />}
          {typing && (
            <form
              onSubmit={(e) => {
                e.preventDefault();
                confirm();
              }}
            >
              <Field
                label={<Trans t={t} i18nKey="revoke.type" values={{ last4: target.last4 }} components={{ mono: <code className="font-mono" /> }} />}
                error={wrong && t('revoke.mismatch')}
              >
                <Input autoComplete="off" spellCheck={false} autoCapitalize="none" className="font-mono" value={typed} onChange={(e) => setTyped(e.currentTarget.value)} />
              </Field>
            </form>
          )}
        </div>
      )}
    </AlertDialog>
  );
}
