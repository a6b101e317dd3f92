import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRotateKey, type Key, type NewKey } from '@/api/queries/keys';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Select } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { useMoment } from '../moment';
import { endsAt } from './view';

/** Seconds that the old key works on for. */
const overlaps = ['0', '3600', '86400', '259200', '604800'] as const;
type Overlap = (typeof overlaps)[number];

interface Props {
  target: Key;
  onClose: () => void;
  onMade: (made: NewKey, overlap: number) => void;
}

/** RotateKey asks how long the old key lives on beside its successor. */
export function RotateKey({ target, onClose, onMade }: Props) {
  const { t } = useTranslation('keys');
  const moment = useMoment();
  const rotate = useRotateKey();
  const [overlap, setOverlap] = useState<Overlap>('86400');
  const seconds = Number(overlap);
  const submit = () => rotate.mutate({ id: target.id, overlap: seconds }, { onSuccess: (made) => onMade(made, seconds) });
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !rotate.isPending && onClose()}
      title={t('rotate.title', { name: target.name })}
      description={t('rotate.text')}
      width="sm"
      footer={
        <>
          <Button onClick={onClose} disabled={rotate.isPending}>
            {t('rotate.cancel')}
          </Button>
          <Button look="primary" busy={rotate.isPending} onClick={submit}>
            {t('rotate.submit')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {rotate.isError && <ProblemCard error={rotate.error} />}
        <Field label={t('rotate.overlap')} hint={seconds === 0 ? t('rotate.now') : t('rotate.until', { at: moment(endsAt(target.expires_at, seconds, Date.now())) })}>
          <Select value={overlap} onChange={(e) => setOverlap(e.currentTarget.value as Overlap)}>
            {overlaps.map((o) => (
              <option key={o} value={o}>
                {t(`rotate.overlaps.${o}`)}
              </option>
            ))}
          </Select>
        </Field>
      </div>
    </Dialog>
  );
}
