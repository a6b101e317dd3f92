import { useQuery } from '@tanstack/react-query';
import { Link, useRouterState, useSearch } from '@tanstack/react-router';
import { Terminal } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { providersQuery } from '@/api/queries/me';
import { Brand } from '@/app/Brand';
import { Looks } from '@/app/Looks';
import { signInURL } from '@/app/signIn';
import { useTitle } from '@/app/title';
import { Button } from '@/ui/Button';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';

/** /sign-in, and / for strangers. */
export default function SignInPage() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false });
  const heading = search.reason === 'left' ? t('signIn.left') : search.reason === 'ended' ? t('signIn.ended') : t('signIn.title');
  useTitle(heading);
  return (
    <div className="flex h-full flex-col items-center overflow-y-auto px-4 py-8">
      <main id="main" tabIndex={-1} className="my-auto w-full max-w-sm py-8 outline-none">
        <Brand className="mb-8 text-base" />
        <h1 className="text-2xl leading-8 font-semibold">{heading}</h1>
        <Ways />
        <p className="mt-8 border-t border-line pt-4 text-quiet">
          {t('signIn.noAccess')}{' '}
          <Link to="/request-access" className="font-medium text-accent underline-offset-4 hover:underline">
            {t('signIn.request')}
          </Link>
        </p>
      </main>
      <footer className="w-full max-w-sm">
        <Looks />
      </footer>
    </div>
  );
}

/** The providers, or why there are none. */
function Ways() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false });
  const atStart = useRouterState({ select: ({ location }) => location.pathname === '/' });
  const providers = useQuery(providersQuery);
  const printed = search.sign_in === 'printed';
  if (providers.isPending) return <Lead text={t('signIn.lead')} below={<SkeletonRows rows={1} label={t('signIn.loading')} />} />;
  if (providers.isError) {
    return <Lead below={<ProblemCard error={providers.error} title={t('signIn.failed')} onRetry={() => void providers.refetch()} retrying={providers.isFetching} />} />;
  }
  if (providers.data.length === 0) return <Lead text={t('signIn.none')} />;
  const lead = printed ? undefined : search.reason === 'ended' ? t('signIn.endedLead') : search.reason === 'left' ? t('signIn.leftLead') : t('signIn.lead');
  return (
    <Lead
      text={lead}
      below={
        <>
          {printed && (
            <p role="status" className="mb-4 flex gap-3 rounded-md border border-line bg-accent-soft px-4 py-3">
              <Terminal className="mt-0.5 size-4 shrink-0 text-accent" aria-hidden />
              {t('signIn.printed')}
            </p>
          )}
          <ul className="flex flex-col gap-2">
            {providers.data.map(({ id, name, sign_in_url }, place) => (
              <li key={id}>
                <Button asChild look={place === 0 && !printed ? 'primary' : 'secondary'} size="lg" className="w-full py-2 text-center whitespace-normal!">
                  <a href={signInURL(sign_in_url, atStart ? undefined : search.return)}>{printed && id === 'local' ? t('signIn.printAgain') : t('signIn.with', { name })}</a>
                </Button>
              </li>
            ))}
          </ul>
        </>
      }
    />
  );
}

function Lead({ text, below }: { text?: string | undefined; below?: ReactNode }) {
  return (
    <>
      {text && <p className="mt-2 text-quiet">{text}</p>}
      {below && <div className="mt-6">{below}</div>}
    </>
  );
}
