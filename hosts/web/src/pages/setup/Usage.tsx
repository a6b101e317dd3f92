import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useSaveSetup, type Setup } from '@/api/queries/setup';
import { Button } from '@/ui/Button';
import { Field } from '@/ui/Field';
import { Textarea } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { Radios } from '../Options';
import { focusFirst } from '../focus';
import { useMoment } from '../moment';
import { problemAt } from '../problemAt';
import { files, length, maxUse, notifications, toSetup, type Files, type Notifications, type SetupFaults, type SetupForm } from './form';

const names: Record<string, keyof SetupForm> = { intended_use: 'use', notifications: 'notifications', files: 'files' };

/** Usage is what an administrator settles; others see it. */
export function Usage({ setup, admin }: { setup: Setup; admin: boolean }) {
  const { t } = useTranslation('setup');
  const moment = useMoment();
  return (
    <section aria-labelledby="setup-usage" className="flex flex-col gap-4">
      <div>
        <h2 id="setup-usage" className="text-base font-semibold">
          {t('form.title')}
        </h2>
        {!admin && <p className="text-quiet">{t('readOnly')}</p>}
        {setup.updated_at && <p className="text-xs text-quiet">{t('saved', { at: moment(setup.updated_at) })}</p>}
      </div>
      {admin ? <Edit setup={setup} /> : <Read setup={setup} />}
    </section>
  );
}

function Edit({ setup }: { setup: Setup }) {
  const { t } = useTranslation('setup');
  const save = useSaveSetup();
  const [form, setForm] = useState<SetupForm>({ use: setup.intended_use, notifications: setup.notifications ?? '', files: setup.files ?? '' });
  const [faults, setFaults] = useState<SetupFaults>({});
  const ref = useRef<HTMLFormElement>(null);
  const told = problemAt(save.error, names);
  const error = (field: keyof SetupForm) => (faults[field] ? t(faults[field]) : told[field]);

  const submit = (e: FormEvent) => {
    e.preventDefault();
    const read = toSetup(form);
    setFaults('faults' in read ? read.faults : {});
    save.reset();
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    save.mutate(read.draft, { onSuccess: () => toast({ title: t('form.done'), look: 'ok' }), onError: () => focusFirst(ref.current) });
  };

  return (
    <form ref={ref} noValidate onSubmit={submit} className="flex flex-col gap-6">
      {save.isError && Object.keys(told).length === 0 && <ProblemCard error={save.error} />}
      <Field label={t('form.use')} hint={`${t('form.useHint')} ${t('form.useCount', { count: length(form.use), most: maxUse })}`} error={error('use')}>
        <Textarea rows={5} value={form.use} onChange={(e) => setForm({ ...form, use: e.currentTarget.value })} />
      </Field>
      <Radios<Notifications>
        legend={t('form.notifications')}
        hint={t('form.notifyAlways')}
        error={error('notifications')}
        value={form.notifications}
        onChange={(notifications) => setForm({ ...form, notifications })}
        options={notifications.map((value) => ({ value, label: t(`form.notify.${value}`), hint: t(`form.notifyHint.${value}`) }))}
      />
      <Radios<Files>
        legend={t('form.files')}
        error={error('files')}
        value={form.files}
        onChange={(files) => setForm({ ...form, files })}
        options={files.map((value) => ({ value, label: t(`form.file.${value}`), hint: t(`form.fileHint.${value}`) }))}
      />
      <div>
        <Button look="primary" type="submit" busy={save.isPending}>
          {t('form.submit')}
        </Button>
      </div>
    </form>
  );
}

function Read({ setup }: { setup: Setup }) {
  const { t } = useTranslation('setup');
  const unsettled = <span className="text-quiet">{t('form.unsettled')}</span>;
  return (
    <dl className="flex flex-col gap-3">
      <div>
        <dt className="font-medium">{t('form.use')}</dt>
        <dd className="whitespace-pre-wrap">{setup.intended_use || unsettled}</dd>
      </div>
      <div>
        <dt className="font-medium">{t('form.notifications')}</dt>
        <dd>{setup.notifications ? t(`form.notify.${setup.notifications}`) : unsettled}</dd>
      </div>
      <div>
        <dt className="font-medium">{t('form.files')}</dt>
        <dd>{setup.files ? t(`form.file.${setup.files}`) : unsettled}</dd>
      </div>
    </dl>
  );
}
