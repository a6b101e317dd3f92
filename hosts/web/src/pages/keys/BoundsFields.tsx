import { useTranslation } from 'react-i18next';
import { Field } from '@/ui/Field';
import { Input, Textarea } from '@/ui/Input';
import type { BoundsForm, FieldName } from './draft';

interface Props {
  form: BoundsForm;
  onChange: (form: BoundsForm) => void;
  /** What is wrong with a field, in words. */
  errors: Partial<Record<FieldName, string>>;
}

/** BoundsFields are the limits of a key: when it is made, and later. */
export function BoundsFields({ form, onChange, errors }: Props) {
  const { t } = useTranslation('keys');
  const set = (name: keyof BoundsForm) => (e: { currentTarget: { value: string } }) => onChange({ ...form, [name]: e.currentTarget.value });
  return (
    <div className="flex flex-col gap-4">
      <div className="grid gap-4 desk:grid-cols-3">
        <Field label={t('form.monthly')} hint={t('form.monthlyHint')} error={errors.monthly}>
          <Input inputMode="decimal" autoComplete="off" value={form.monthly} onChange={set('monthly')} />
        </Field>
        <Field label={t('form.requests')} error={errors.requests}>
          <Input inputMode="numeric" autoComplete="off" value={form.requests} onChange={set('requests')} />
        </Field>
        <Field label={t('form.tokens')} error={errors.tokens}>
          <Input inputMode="numeric" autoComplete="off" value={form.tokens} onChange={set('tokens')} />
        </Field>
      </div>
      <Field label={t('form.models')} hint={t('form.modelsHint')} error={errors.models}>
        <Textarea rows={2} spellCheck={false} autoCapitalize="none" className="font-mono" placeholder={t('form.modelsPlaceholder')} value={form.models} onChange={set('models')} />
      </Field>
      <Field label={t('form.networks')} hint={t('form.networksHint')} error={errors.networks}>
        <Textarea rows={2} spellCheck={false} autoCapitalize="none" className="font-mono" placeholder={t('form.networksPlaceholder')} value={form.networks} onChange={set('networks')} />
      </Field>
    </div>
  );
}
