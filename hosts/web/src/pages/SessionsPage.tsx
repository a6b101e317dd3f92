import { MonitorSmartphone } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { providersQuery, useMe } from '@/api/queries/me';
import { useEndOthers, useEndSession, useSessions, type OwnSession } from '@/api/queries/sessions';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/sessions.json';
import { useQuery } from '@tanstack/react-query';
import { AlertDialog } from '@/ui/AlertDialog';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { PageHeader } from '@/ui/PageHeader';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Time } from '@/ui/Time';
import { toast } from '@/ui/toast';
import { useMoment } from './moment';
import { useReturnFocus } from './returnFocus';
import { rules } from './sessions/view';

addTexts('sessions', texts);

/** /sessions: where the person is signed in. */
export default function SessionsPage() {
  const { t } = useTranslation('sessions');
  useTitle(t('title'));
  const sessions = useSessions();
  const all = sessions.data?.pages.flatMap((p) => p.data) ?? [];
  const current = all.find((s) => s.current);
  const others = all.filter((s) => !s.current);
  const [ending, setEnding] = useState<OwnSession | 'others' | null>(null);
  useReturnFocus(ending !== null);
  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')}>
        <Button onClick={() => setEnding('others')} disabled={others.length === 0}>
          {t('endOthers')}
        </Button>
      </PageHeader>
      <div className="flex flex-col gap-6">
        {sessions.isPending && <SkeletonRows rows={3} label={t('title')} />}
        {sessions.isError && <ProblemCard error={sessions.error} onRetry={() => void sessions.refetch()} retrying={sessions.isFetching} />}
        {all.length > 0 && (
          <ul aria-label={t('title')} className="divide-y divide-line rounded-md border border-line">
            {current && <Item session={current} />}
            {others.map((s) => (
              <Item key={s.id} session={s} onEnd={() => setEnding(s)} />
            ))}
          </ul>
        )}
        {sessions.isSuccess && others.length === 0 && !sessions.hasNextPage && <p className="text-quiet">{t('only')}</p>}
        {sessions.hasNextPage && (
          <Button className="self-center" busy={sessions.isFetchingNextPage} onClick={() => void sessions.fetchNextPage()}>
            {t('more')}
          </Button>
        )}
        <Rules seenAt={current?.last_used_at} />
      </div>
      {ending === 'others' && <EndOthers onClose={() => setEnding(null)} />}
      {ending !== null && ending !== 'others' && <EndOne session={ending} onClose={() => setEnding(null)} />}
    </>
  );
}

function Item({ session, onEnd }: { session: OwnSession; onEnd?: () => void }) {
  const { t } = useTranslation('sessions');
  const me = useMe();
  const moment = useMoment();
  const providers = useQuery(providersQuery);
  const provider = providers.data?.find((p) => p.id === session.provider)?.name ?? session.provider;
  const account = me.accounts.find((a) => a.id === session.account_id)?.name ?? session.account_id;
  return (
    <li className="flex flex-wrap items-start gap-x-4 gap-y-3 px-4 py-3" data-testid="session" data-id={session.id}>
      <MonitorSmartphone className="mt-0.5 size-5 shrink-0 text-faint" aria-hidden />
      <div className="min-w-0 flex-1 basis-56">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {provider ? t('via', { provider }) : t('viaOperator')}
          {session.current && <Badge look="accent">{t('current')}</Badge>}
        </p>
        <p className="text-quiet">{account ? t('account', { account }) : t('noAccount')}</p>
        <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5 text-xs">
          <dt className="text-quiet">{t('began')}</dt>
          <dd>
            <Time at={session.created_at} form="moment" />
          </dd>
          <dt className="text-quiet">{t('used')}</dt>
          <dd>
            <Time at={session.last_used_at} />
          </dd>
          <dt className="text-quiet">{t('ends')}</dt>
          <dd>
            <Time at={session.expires_at} form="moment" />
          </dd>
        </dl>
        {session.current && <p className="mt-1 text-xs text-quiet">{t('idle', { at: moment(me.session.idle_expires_at) })}</p>}
      </div>
      {onEnd && (
        <Button size="sm" onClick={onEnd} aria-label={t('endLabel', { at: moment(session.created_at) })}>
          {t('end')}
        </Button>
      )}
    </li>
  );
}

function Rules({ seenAt }: { seenAt: string | undefined }) {
  const { t } = useTranslation('sessions');
  const me = useMe();
  const { minutes, hours } = rules(me.session, seenAt);
  return (
    <section aria-labelledby="session-rules" className="max-w-prose">
      <h2 id="session-rules" className="font-medium">
        {t('rule')}
      </h2>
      <ul className="mt-2 list-disc space-y-1 pl-5 text-quiet marker:text-faint">
        {minutes !== undefined && minutes > 0 && <li>{t('ruleUnused', { count: minutes })}</li>}
        {hours > 0 && <li>{t('ruleAny', { count: hours })}</li>}
        <li>{t('ruleEnd')}</li>
        <li>{t('ruleKeys')}</li>
      </ul>
    </section>
  );
}

function EndOne({ session, onClose }: { session: OwnSession; onClose: () => void }) {
  const { t } = useTranslation('sessions');
  const end = useEndSession();
  const confirm = () =>
    end.mutate(session.id, {
      onSuccess: () => {
        toast({ title: t('done'), look: 'ok' });
        onClose();
      },
    });
  return (
    <AlertDialog open onOpenChange={(open) => !open && onClose()} title={t('confirm.title')} description={t('confirm.text')} confirm={t('confirm.submit')} onConfirm={confirm} busy={end.isPending}>
      {end.isError && <ProblemCard error={end.error} />}
    </AlertDialog>
  );
}

function EndOthers({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('sessions');
  const end = useEndOthers();
  const confirm = () =>
    end.mutate(undefined, {
      onSuccess: (count) => {
        toast({ title: count === 0 ? t('doneNone') : t('doneAll', { count }), look: 'ok' });
        onClose();
      },
    });
  return (
    <AlertDialog open onOpenChange={(open) => !open && onClose()} title={t('confirm.all')} description={t('confirm.allText')} confirm={t('confirm.submitAll')} onConfirm={confirm} busy={end.isPending}>
      {end.isError && <ProblemCard error={end.error} />}
    </AlertDialog>
  );
}
