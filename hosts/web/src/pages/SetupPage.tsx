import { Check, Circle } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { useSetup, type Setup } from '@/api/queries/setup';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/setup.json';
import { PageHeader } from '@/ui/PageHeader';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Boundary } from './setup/Boundary';
import { Usage } from './setup/Usage';

addTexts('setup', texts);

/** /setup: what the account settles before it begins, and can change at any time. */
export default function SetupPage() {
  const { t } = useTranslation('setup');
  useTitle(t('title'));
  const me = useMe();
  const setup = useSetup();
  const admin = me.session.role === 'admin';
  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')} />
      {setup.isPending && <SkeletonRows rows={6} label={t('title')} />}
      {setup.isError && !setup.data && <ProblemCard error={setup.error} onRetry={() => void setup.refetch()} retrying={setup.isFetching} />}
      {setup.data && (
        <div className="flex max-w-3xl flex-col gap-10">
          <Steps setup={setup.data} />
          {/* What keeps chat and API shut comes first. */}
          {setup.data.boundary.required && !setup.data.boundary.acknowledged ? (
            <>
              <Boundary boundary={setup.data.boundary} admin={admin} />
              <Usage setup={setup.data} admin={admin} />
            </>
          ) : (
            <>
              <Usage setup={setup.data} admin={admin} />
              <Boundary boundary={setup.data.boundary} admin={admin} />
            </>
          )}
        </div>
      )}
    </>
  );
}

function Steps({ setup }: { setup: Setup }) {
  const { t } = useTranslation('setup');
  const steps = [
    { key: 'use', done: setup.intended_use !== '' },
    { key: 'notifications', done: setup.notifications !== undefined },
    { key: 'files', done: setup.files !== undefined },
    ...(setup.boundary.version === undefined ? [] : [{ key: 'boundary', done: setup.boundary.acknowledged } as const]),
  ] as const;
  return (
    <section aria-labelledby="setup-steps">
      <h2 id="setup-steps" className="sr-only">
        {t('steps.title')}
      </h2>
      <ul className="flex flex-col gap-2 rounded-md border border-line px-4 py-3">
        {steps.map(({ key, done }) => (
          <li key={key} className="flex items-center gap-2">
            {done ? <Check className="size-4 shrink-0 text-ok" aria-hidden /> : <Circle className="size-4 shrink-0 text-faint" aria-hidden />}
            <span className={done ? 'text-quiet' : undefined}>{t(`steps.${key}`)}</span>
            <span className="sr-only">: {done ? t('steps.done') : t('steps.open')}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
