import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/api/queries/me';
import { useMembers } from '@/api/queries/members';
import { useAcknowledge, type Setup } from '@/api/queries/setup';
import { toMain } from '@/app/Announcer';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { Checkbox } from '@/ui/Checkbox';
import { ProblemCard } from '@/ui/ProblemCard';
import { toast } from '@/ui/toast';
import { useMoment } from '../moment';
import { BoundaryText } from './BoundaryText';

interface Props {
  boundary: Setup['boundary'];
  admin: boolean;
}

/** Boundary is where data goes: its text, whether it was acknowledged, and what depends on it. */
export function Boundary({ boundary, admin }: Props) {
  const { t } = useTranslation('setup');
  const asked = boundary.version !== undefined;
  // Kept here, so that what is said of an older version outlives its question.
  const acknowledge = useAcknowledge();
  return (
    <section aria-labelledby="setup-boundary" className="flex flex-col gap-4">
      <div>
        <h2 id="setup-boundary" className="flex flex-wrap items-center gap-2 text-base font-semibold">
          {t('boundary.title')}
          {asked && <Badge>{t('boundary.version', { version: boundary.version })}</Badge>}
          {boundary.acknowledged && <Badge look="ok">{t('boundary.given')}</Badge>}
        </h2>
        {asked ? <State boundary={boundary} /> : <p className="mt-1 text-quiet">{t('boundary.notRequired')}</p>}
      </div>
      {boundary.text && <BoundaryText label={t('boundary.text')} text={boundary.text} />}
      {asked && !boundary.acknowledged && (admin ? <Acknowledge key={boundary.version} version={boundary.version ?? ''} acknowledge={acknowledge} /> : <p className="text-quiet">{t('boundary.ask')}</p>)}
    </section>
  );
}

function State({ boundary }: { boundary: Setup['boundary'] }) {
  const { t } = useTranslation('setup');
  const moment = useMoment();
  const me = useMe();
  const members = useMembers({ enabled: me.session.role === 'admin' && boundary.acknowledged_by !== undefined });
  if (!boundary.acknowledged) {
    return <p className={boundary.required ? 'mt-1 font-medium text-warn' : 'mt-1 text-quiet'}>{boundary.required ? t('boundary.shut') : t('boundary.optional')}</p>;
  }
  const by = boundary.acknowledged_by;
  const member = members.data?.pages.flatMap((p) => p.data).find((m) => m.user_id === by);
  const who = by === me.user?.id || by === me.session.id ? t('boundary.you') : (member?.name ?? member?.email ?? (by ? t('boundary.somebody') : ''));
  const at = boundary.acknowledged_at ? moment(boundary.acknowledged_at) : '';
  return (
    <p className="mt-1 text-quiet">
      {who ? t('boundary.givenText', { who, at }) : t('boundary.givenNobody', { at })} {boundary.required && t('boundary.open')}
    </p>
  );
}

function Acknowledge({ version, acknowledge }: { version: string; acknowledge: ReturnType<typeof useAcknowledge> }) {
  const { t } = useTranslation('setup');
  const me = useMe();
  const [read, setRead] = useState(false);
  const [missing, setMissing] = useState(false);
  const changed = acknowledge.isError && (acknowledge.error as { code?: string }).code === 'boundary_changed';
  // The button goes with this, and would take the focus along.
  useEffect(
    () => () => {
      if (document.activeElement === document.body) toMain();
    },
    [],
  );
  const submit = () => {
    setMissing(!read);
    if (!read) return;
    acknowledge.mutate(version, { onSuccess: () => toast({ title: t('boundary.done'), look: 'ok' }) });
  };
  return (
    <div className="flex flex-col items-start gap-3">
      {changed ? (
        <p role="alert" className="text-warn">
          {t('boundary.changed')}
        </p>
      ) : (
        acknowledge.isError && <ProblemCard error={acknowledge.error} />
      )}
      <Checkbox checked={read} onCheckedChange={setRead} label={t('boundary.read', { version, account: me.account?.name ?? '' })} />
      {missing && !read && (
        <p role="alert" className="text-xs text-danger">
          {t('boundary.readFirst')}
        </p>
      )}
      <Button look="primary" busy={acknowledge.isPending} onClick={submit}>
        {t('boundary.submit')}
      </Button>
    </div>
  );
}
