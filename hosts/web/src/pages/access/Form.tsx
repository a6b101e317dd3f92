import { useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/client';
import { Button } from '@/ui/Button';
import { Field } from '@/ui/Field';
import { Input, Textarea } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { focusFirst } from '../focus';
import { Ticks } from '../Options';
import { problemAt } from '../problemAt';
import { codeOf, type Phase } from './desk';
import { emptyForm, products, toRequest, type AccessFaults, type AccessField, type AccessForm, type Product } from './form';
import { useDesk } from './useDesk';

const names: Record<string, AccessField> = { company: 'company', products: 'products', groups: 'products', intended_use: 'use', email: 'email' };

/** Form asks for access. */
export function Form({ onSent }: { onSent: (email: string) => void }) {
  const { t } = useTranslation('access');
  const { desk, phase, rest } = useDesk();
  const [form, setForm] = useState<AccessForm>(emptyForm);
  const [faults, setFaults] = useState<AccessFaults>({});
  const [error, setError] = useState<unknown>(null);
  const ref = useRef<HTMLFormElement>(null);
  const busy = phase !== null;
  const told = problemAt(error, names);
  const wrong = (field: AccessField) => (faults[field] ? t(faults[field]) : told[field]);
  const set = (field: 'company' | 'use' | 'email' | 'website') => (e: { currentTarget: { value: string } }) => setForm({ ...form, [field]: e.currentTarget.value });

  const send = async () => {
    if (busy) return;
    const read = toRequest(form);
    setFaults('faults' in read ? read.faults : {});
    setError(null);
    if ('faults' in read) {
      focusFirst(ref.current);
      return;
    }
    try {
      await desk.send(read.request);
      onSent(read.request.email);
    } catch (failure) {
      setError(failure);
      focusFirst(ref.current);
    } finally {
      rest();
    }
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    void send();
  };

  return (
    <form ref={ref} noValidate onSubmit={submit} onFocus={() => desk.prepare()} className="flex flex-col gap-5">
      {error !== null && Object.keys(told).length === 0 && (
        <Refusal
          error={error}
          onAgain={() => {
            desk.renew();
            void send();
          }}
        />
      )}
      <Field label={t('company')} hint={t('companyHint')} error={wrong('company')} required>
        <Input autoComplete="organization" value={form.company} onChange={set('company')} />
      </Field>
      <Field label={t('email')} hint={t('emailHint')} error={wrong('email')} required>
        <Input type="email" autoComplete="email" value={form.email} onChange={set('email')} />
      </Field>
      <Ticks<Product>
        legend={t('products')}
        error={wrong('products')}
        value={form.products}
        onChange={(chosen) => setForm({ ...form, products: chosen })}
        options={products.map((value) => ({ value, label: t(`product.${value}`), hint: t(`productHint.${value}`) }))}
      />
      <Field label={t('use')} hint={t('useHint')} error={wrong('use')} required>
        <Textarea rows={5} value={form.use} onChange={set('use')} />
      </Field>
      {/* Programs fill in what they find; people do not find it. */}
      <div aria-hidden className="absolute -left-[9999px] h-px w-px overflow-hidden">
        <label>
          {t('website')}
          <input name="website" tabIndex={-1} autoComplete="off" value={form.website} onChange={set('website')} />
        </label>
      </div>
      <div className="flex flex-col gap-3">
        <Button look="primary" size="lg" type="submit" busy={busy} className="w-full">
          {t('submit')}
        </Button>
        <Progress phase={phase} />
      </div>
    </form>
  );
}

function Progress({ phase }: { phase: Phase | null }) {
  const { t } = useTranslation('access');
  return (
    <>
      <p role="status" className="min-h-5 text-quiet">
        {phase && t(`phase.${phase.name}`)}
      </p>
      {phase?.name === 'working' && (
        <progress
          className="block h-1.5 w-full appearance-none overflow-hidden rounded-sm bg-hover [&::-moz-progress-bar]:bg-accent [&::-webkit-progress-bar]:bg-hover [&::-webkit-progress-value]:bg-accent"
          aria-label={t('progress')}
          max={1}
          value={phase.chance}
        />
      )}
    </>
  );
}

function Refusal({ error, onAgain }: { error: unknown; onAgain: () => void }) {
  const { t } = useTranslation('access');
  if (codeOf(error) === 'challenge_used') {
    return (
      <div role="alert" className="rounded-md border border-line bg-warn-soft px-4 py-3">
        <p className="font-medium">{t('used.title')}</p>
        <p className="mt-1 text-quiet">{t('used.text')}</p>
        <Button size="sm" className="mt-3" onClick={onAgain}>
          {t('used.again')}
        </Button>
      </div>
    );
  }
  if (!(error instanceof Problem)) {
    return (
      <p role="alert" className="rounded-md border border-line bg-danger-soft px-4 py-3">
        {t('workFailed')}
      </p>
    );
  }
  return <ProblemCard error={error} />;
}
