import { KeyRound, Plus } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useKeys, type Key, type NewKey } from '@/api/queries/keys';
import { useArea, useMe } from '@/api/queries/me';
import { useMembers } from '@/api/queries/members';
import { AreaNotice } from '@/app/AreaNotice';
import { Choice } from '@/app/Choice';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/keys.json';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { EmptyState } from '@/ui/EmptyState';
import { Checkbox } from '@/ui/Checkbox';
import { PageHeader } from '@/ui/PageHeader';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { useKeptForm } from './keptForm';
import { CreateKey } from './keys/CreateKey';
import { newKey, readForm } from './keys/draft';
import { EditKey } from './keys/EditKey';
import { KeyTable, type Deed } from './keys/KeyTable';
import { KeyUsageDialog } from './keys/KeyUsageDialog';
import { MadeKey } from './keys/MadeKey';
import { RevokeKey } from './keys/RevokeKey';
import { RotateKey } from './keys/RotateKey';
import { baseURL } from './keys/snippets';
import { endsAt, pick, type Filter, type Viewer } from './keys/view';
import { useMoment } from './moment';
import { useReturnFocus } from './returnFocus';

addTexts('keys', texts);

/** How many rows are added at a time. */
const step = 25;

/** /keys: the API keys of the person, or of the account. */
export default function KeysPage() {
  const { t } = useTranslation('keys');
  useTitle(t('title'));
  const me = useMe();
  const area = useArea('api');
  const moment = useMoment();
  const viewer = useMemo<Viewer>(() => ({ user: me.user?.id, admin: me.session.role === 'admin' }), [me.user?.id, me.session.role]);
  const [form, setForm] = useKeptForm('keys.create', readForm);
  const [made, setMade] = useState<{ made: NewKey; old?: string } | null>(null);
  const [deed, setDeed] = useState<{ deed: Deed; key: Key } | null>(null);
  const open = area?.allowed === true;
  useReturnFocus(form !== null || made !== null || deed !== null);
  const create = () => setForm(newKey);
  const close = () => setDeed(null);

  return (
    <>
      <PageHeader title={t('title')} lead={t('lead')}>
        <Button look="primary" onClick={create} disabled={!open}>
          <Plus className="size-4" aria-hidden />
          {t('create')}
        </Button>
      </PageHeader>
      <AreaNotice area="api" />
      <div className="flex flex-col gap-4">
        <p className="flex flex-wrap items-center gap-x-2 text-quiet">
          {t('base')}
          <span className="inline-flex items-center gap-1">
            <code className="font-mono text-ink">{baseURL(window.location.origin)}</code>
            <CopyButton text={baseURL(window.location.origin)} label={t('copyBase')} />
          </span>
        </p>
        <List viewer={viewer} create={open ? create : undefined} onDeed={(deed, key) => setDeed({ deed, key })} />
      </div>
      {form && (
        <CreateKey
          form={form}
          onChange={setForm}
          onClose={() => setForm(null)}
          onMade={(made) => {
            setForm(null);
            setMade({ made });
          }}
        />
      )}
      {made && <MadeKey {...made} onStored={() => setMade(null)} />}
      {deed?.deed === 'usage' && <KeyUsageDialog target={deed.key} onClose={close} />}
      {deed?.deed === 'edit' && <EditKey target={deed.key} onClose={close} />}
      {deed?.deed === 'revoke' && <RevokeKey target={deed.key} onClose={close} />}
      {deed?.deed === 'rotate' && (
        <RotateKey
          target={deed.key}
          onClose={close}
          onMade={(next, overlap) => {
            close();
            const end = endsAt(deed.key.expires_at, overlap, Date.now());
            setMade({ made: next, old: overlap === 0 ? t('made.oldEnded') : t('made.old', { at: moment(end) }) });
          }}
        />
      )}
    </>
  );
}

interface ListProps {
  viewer: Viewer;
  /** Absent while none can be created. */
  create: (() => void) | undefined;
  onDeed: (deed: Deed, key: Key) => void;
}

function List({ viewer, create, onDeed }: ListProps) {
  const { t } = useTranslation('keys');
  const keys = useKeys();
  const members = useMembers({ enabled: viewer.admin });
  const [filter, setFilter] = useState<Filter>({ owner: viewer.user === undefined ? 'all' : 'mine', ended: false });
  const [rows, setRows] = useState(step);
  const all = useMemo(() => keys.data?.pages.flatMap((p) => p.data) ?? [], [keys.data]);
  const picked = useMemo(() => pick(all, filter, viewer), [all, filter, viewer]);
  const shown = useMemo(() => picked.slice(0, rows), [picked, rows]);
  const owners = useMemo(() => new Map(members.data?.pages.flatMap((p) => p.data).map((m) => [m.user_id, m.name ?? m.email ?? m.user_id])), [members.data]);
  const change = (next: Partial<Filter>) => {
    setFilter({ ...filter, ...next });
    setRows(step);
  };

  if (keys.isPending) return <SkeletonRows rows={4} label={t('title')} />;
  if (keys.isError && all.length === 0) return <ProblemCard error={keys.error} onRetry={() => void keys.refetch()} retrying={keys.isFetching} />;
  if (all.length === 0 || (!viewer.admin && !keys.hasNextPage && pick(all, { owner: 'mine', ended: true }, viewer).length === 0)) return <Empty create={create} />;
  const everything = viewer.admin && filter.owner === 'all';
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2">
        {viewer.admin && (
          <div className="w-44">
            <Choice
              label={t('filter.owner')}
              value={filter.owner}
              onChange={(owner) => change({ owner })}
              options={[
                { value: 'mine', label: t('filter.mine') },
                { value: 'all', label: t('filter.all') },
              ]}
            />
          </div>
        )}
        <Checkbox checked={filter.ended} onCheckedChange={(ended) => change({ ended })} label={t('filter.ended')} />
      </div>
      {shown.length === 0 ? (
        <EmptyState icon={KeyRound} title={t('empty.none')}>
          {everything ? t('empty.filteredAll') : t('empty.filtered')}
        </EmptyState>
      ) : (
        <KeyTable keys={shown} viewer={viewer} owners={owners} showOwner={everything} onDeed={onDeed} />
      )}
      {keys.isError && <ProblemCard error={keys.error} />}
      {(picked.length > rows || keys.hasNextPage) && (
        <Button
          className="self-center"
          busy={keys.isFetchingNextPage}
          onClick={() => {
            if (picked.length <= rows + step && keys.hasNextPage) void keys.fetchNextPage();
            setRows(rows + step);
          }}
        >
          {t('more')}
        </Button>
      )}
    </>
  );
}

function Empty({ create }: { create: (() => void) | undefined }) {
  const { t } = useTranslation('keys');
  return (
    <EmptyState
      icon={KeyRound}
      title={t('empty.title')}
      action={
        create && (
          <Button look="primary" onClick={create}>
            {t('create')}
          </Button>
        )
      }
    >
      {t('empty.text')}
    </EmptyState>
  );
}
