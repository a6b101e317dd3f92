import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { signedOut } from '@/api/problem';
import { meQuery, useSwitchAccount, type Me } from '@/api/queries/me';
import { useAcceptInvitation } from '@/api/queries/members';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/members.json';
import { Button } from '@/ui/Button';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { codeOf } from './access/desk';
import { courier } from './invitation/courier';
import { final, outcomeOf } from './invitation/outcome';
import { Providers } from './Providers';
import { Public } from './Public';

addTexts('members', texts);

const back = '/invitation';

/** /invitation: an invitation is accepted; its token stood in the fragment. */
export default function InvitationPage() {
  const { t } = useTranslation('members');
  useTitle(t('accept.title'));
  const [token] = useState(() => courier.take());
  const me = useQuery({ ...meQuery, retry: false });
  if (token === undefined) return <Told title={t('accept.missingTitle')} text={t('accept.missingText')} />;
  if (me.data) return <Accept token={token} me={me.data} />;
  return (
    <Public title={t('accept.title')} lead={t('accept.lead')}>
      {me.isPending && <SkeletonRows rows={2} label={t('accept.title')} />}
      {me.isError &&
        (signedOut(me.error) ? (
          <section aria-labelledby="sign-in-first">
            <h2 id="sign-in-first" className="font-medium">
              {t('accept.signIn')}
            </h2>
            <p className="mt-1 mb-4 text-quiet">{t('accept.signInText')}</p>
            <Providers back={back} label={(provider) => t('accept.with', { provider })} onLeave={() => courier.leave()} />
          </section>
        ) : (
          <ProblemCard error={me.error} onRetry={() => void me.refetch()} retrying={me.isFetching} />
        ))}
    </Public>
  );
}

function Accept({ token, me }: { token: string; me: Me }) {
  const { t } = useTranslation('members');
  const accept = useAcceptInvitation();
  const who = me.user?.email ?? me.user?.name ?? '';
  const outcome = outcomeOf(codeOf(accept.error));
  useEffect(() => {
    if (accept.isSuccess || final(outcome)) courier.drop();
  }, [accept.isSuccess, outcome]);

  if (accept.isSuccess) return <Joined account={accept.data.account_id} role={accept.data.role} />;
  if (outcome === 'over') return <Told title={t('accept.overTitle')} text={t('accept.overText')} error={accept.error} />;
  if (outcome === 'unknown') return <Told title={t('accept.unknownTitle')} text={t('accept.unknownText')} error={accept.error} />;
  if (outcome === 'member') return <Told title={t('accept.memberTitle')} text={t('accept.memberText')} />;
  if (outcome === 'wrong') {
    return (
      <Told title={t('accept.wrongTitle')} text={t('accept.wrongText', { who })} error={accept.error}>
        <section aria-labelledby="somebody-else" className="mt-6">
          <h2 id="somebody-else" className="mb-3 font-medium">
            {t('accept.other')}
          </h2>
          <Providers back={back} fresh label={(provider) => t('accept.with', { provider })} onLeave={() => courier.leave()} />
        </section>
      </Told>
    );
  }
  return (
    <Public title={t('accept.title')} lead={t('accept.lead')}>
      <div className="flex flex-col gap-4">
        <p>{who ? t('accept.as', { who }) : t('accept.asNobody')}</p>
        {accept.isError && <ProblemCard error={accept.error} />}
        <Button look="primary" size="lg" className="w-full" busy={accept.isPending} onClick={() => accept.mutate(token)}>
          {accept.isPending ? t('accept.working') : t('accept.submit')}
        </Button>
      </div>
    </Public>
  );
}

function Joined({ account, role }: { account: string; role: 'member' | 'admin' }) {
  const { t } = useTranslation('members');
  const navigate = useNavigate();
  const me = useQuery(meQuery);
  const change = useSwitchAccount();
  const here = me.data?.account?.id === account;
  const to = role === 'admin' ? '/setup' : '/chat';
  const start = () => void navigate({ to });
  return (
    <Public title={t('accept.done')} lead={role === 'admin' ? t('accept.doneAdmin') : t('accept.doneText')}>
      <div className="flex flex-col gap-4" role="status">
        {!here && !me.isFetching && <p className="text-quiet">{t('accept.switchText')}</p>}
        {change.isError && <ProblemCard error={change.error} />}
        {here ? (
          <Button look="primary" size="lg" onClick={start}>
            {role === 'admin' ? t('accept.setup') : t('accept.go')}
          </Button>
        ) : (
          <Button look="primary" size="lg" busy={change.isPending || me.isFetching} onClick={() => change.mutate(account, { onSuccess: start })}>
            {t('accept.switch')}
          </Button>
        )}
      </div>
    </Public>
  );
}

function Told({ title, text, error, children }: { title: string; text: string; error?: unknown; children?: ReactNode }) {
  const { t } = useTranslation('members');
  const { t: common } = useTranslation();
  const request = (error as { request_id?: unknown } | undefined)?.request_id;
  return (
    <Public title={title}>
      <div role="alert">
        <p>{text}</p>
        {typeof request === 'string' && request !== '' && (
          <p className="mt-2 text-xs text-quiet">
            {common('problem.request')} <code className="font-mono">{request}</code>
          </p>
        )}
      </div>
      {children}
      <p className="mt-6">
        <Link to="/" className="font-medium text-accent underline underline-offset-4">
          {t('accept.home')}
        </Link>
      </p>
    </Public>
  );
}
