import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useCreateKey, type NewKey } from '@/api/queries/keys';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Field } from '@/ui/Field';
import { Input, Select } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { Ticks } from '../Options';
import { focusFirst } from '../focus';
import { BoundsFields } from './BoundsFields';
import { allScopes, lives, toDraft, type Faults, type KeyForm, type Life, type Scope } from './draft';
import { errorsOf, isElsewhere } from './errors';

interface Props {
  form: KeyForm;
  onChange: (form: KeyForm) => void;
  onClose: () => void;
  onMade: (made: NewKey) => void;
}

const scopeText = { models: 'scopes.models', 'chat.completions': 'scopes.chat', responses: 'scopes.responses', embeddings: 'scopes.embeddings' } as const;

/** CreateKey asks what the new key shall be. */
export function CreateKey({ form, onChange, onClose, onMade }: Props) {
  const { t } = useTranslation('keys');
  const create = useCreateKey();
  const [faults, setFaults] = useState<Faults>({});
  const ref = useRef<HTMLFormElement>(null);
  const errors = errorsOf(faults, create.error, t);

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const read = toDraft(form, new Date());
    setFaults('faults' in read ? read.faults : {});
    create.reset();
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    create.mutate(read.draft, { onSuccess: onMade, onError: () => focusFirst(ref.current) });
  };

  return (
    <Dialog
      open
      onOpenChange={(open) => !open && !create.isPending && onClose()}
      title={t('form.title')}
      description={t('form.lead')}
      dismissable={false}
      footer={
        <>
          <Button onClick={onClose} disabled={create.isPending}>
            {t('form.cancel')}
          </Button>
          <Button look="primary" type="submit" form="create-key" busy={create.isPending}>
            {t('form.submit')}
          </Button>
        </>
      }
    >
      <form id="create-key" ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-5">
        {isElsewhere(create.error) && <ProblemCard error={create.error} />}
        <Field label={t('form.name')} hint={t('form.nameHint')} error={errors.name} required>
          <Input autoComplete="off" maxLength={200} value={form.name} onChange={(e) => onChange({ ...form, name: e.currentTarget.value })} />
        </Field>
        <div className="grid gap-4 desk:grid-cols-2">
          <Field label={t('form.life')}>
            <Select value={form.life} onChange={(e) => onChange({ ...form, life: e.currentTarget.value as Life })}>
              {lives.map((life) => (
                <option key={life} value={life}>
                  {t(`form.lives.${life}`)}
                </option>
              ))}
            </Select>
          </Field>
          {form.life === 'date' && (
            <Field label={t('form.until')} hint={t('form.untilHint')} error={errors.until} required>
              <Input type="date" value={form.until} onChange={(e) => onChange({ ...form, until: e.currentTarget.value })} />
            </Field>
          )}
        </div>
        <Ticks<Scope>
          legend={t('form.scopes')}
          error={errors.scopes}
          value={form.scopes}
          onChange={(scopes) => onChange({ ...form, scopes })}
          options={allScopes.map((value) => ({ value, label: t(scopeText[value]) }))}
        />
        <section aria-labelledby="create-key-limits" className="border-t border-line pt-4">
          <h3 id="create-key-limits" className="font-medium">
            {t('form.narrow')}
          </h3>
          <p className="mt-0.5 mb-4 text-xs text-quiet">{t('form.narrowHint')}</p>
          <BoundsFields form={form.bounds} onChange={(bounds) => onChange({ ...form, bounds })} errors={errors} />
        </section>
      </form>
    </Dialog>
  );
}
