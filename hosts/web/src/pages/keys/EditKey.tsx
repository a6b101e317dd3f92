import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useChangeKey, type Key } from '@/api/queries/keys';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { focusFirst } from '../focus';
import { useCredits, useMoment } from '../moment';
import { BoundsFields } from './BoundsFields';
import { toChange, toForm, type BoundsForm, type Faults } from './draft';
import { errorsOf, isElsewhere } from './errors';

interface Props {
  target: Key;
  onClose: () => void;
}

/** EditKey changes what a key may use and spend. */
export function EditKey({ target, onClose }: Props) {
  const { t } = useTranslation('keys');
  const credits = useCredits();
  const moment = useMoment();
  const change = useChangeKey();
  const [form, setForm] = useState<BoundsForm>(() => toForm(target));
  const [faults, setFaults] = useState<Faults>({});
  const ref = useRef<HTMLFormElement>(null);
  const limits = target.limits;

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const read = toChange(form, target);
    setFaults('faults' in read ? read.faults : {});
    change.reset();
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    const done = (title: string) => {
      toast({ title, look: 'ok' });
      onClose();
    };
    if (read.change === null) done(t('edit.same'));
    else change.mutate({ id: target.id, change: read.change }, { onSuccess: () => done(t('edit.done')), onError: () => focusFirst(ref.current) });
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !change.isPending && onClose()}
      title={t('edit.title', { name: target.name })}
      description={t('edit.lead')}
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={change.isPending}>
            {t('edit.cancel')}
          </Button>
          <Button look="primary" type="submit" form="edit-key" busy={change.isPending}>
            {t('edit.submit')}
          </Button>
        </>
      }
    >
      <form id="edit-key" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-5">
        {isElsewhere(change.error) && <ProblemCard error={change.error} />}
        {limits && limits.monthly > 0 && (
          <p className="text-quiet">{t('edit.spent', { spent: credits(limits.spent), cap: credits(limits.monthly), at: moment(limits.resets_at) })}</p>
        )}
        <BoundsFields form={form} onChange={setForm} errors={errorsOf(faults, change.error, t)} />
      </form>
    </Dialog>
  );
}
