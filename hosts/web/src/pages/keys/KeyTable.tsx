import { Ellipsis } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useKeyUsages, type Key, type KeyUsage } from '@/api/queries/keys';
import { Badge } from '@/ui/Badge';
import { IconButton } from '@/ui/IconButton';
import { Menu, MenuItem } from '@/ui/Menu';
import { Table, type Column } from '@/ui/Table';
import { Time } from '@/ui/Time';
import { useCredits } from '../moment';
import { Sparkline } from './Sparkline';
import { period, spark } from './sparkline';
import { isMine, manages, stateOf, withUsage, type Viewer } from './view';

export type Deed = 'usage' | 'edit' | 'rotate' | 'revoke';

interface Props {
  keys: readonly Key[];
  viewer: Viewer;
  /** Whose a key is, by user ID; only administrators know. */
  owners: ReadonlyMap<string, string>;
  showOwner: boolean;
  onDeed: (deed: Deed, key: Key) => void;
}

const looks = { active: 'ok', rotating: 'warn', expired: 'neutral', revoked: 'neutral' } as const;
const scopeText = { models: 'scopes.models', 'chat.completions': 'scopes.chat', responses: 'scopes.responses', embeddings: 'scopes.embeddings' } as const;
const allScopes = Object.keys(scopeText).length;

/** KeyTable lists keys, and what can be done with each. */
export function KeyTable({ keys, viewer, owners, showOwner, onDeed }: Props) {
  const { t } = useTranslation('keys');
  const { from, to } = period(new Date(), 30);
  const asked = useMemo(() => withUsage(keys, viewer, Date.now()), [keys, viewer]);
  const usages = useKeyUsages(asked, from, to);

  const ownerOf = (k: Key) =>
    isMine(k, viewer) ? t('owner.you') : k.user_id === undefined ? t('owner.account') : (owners.get(k.user_id) ?? t('owner.unknown'));

  const columns: Column<Key>[] = [
    {
      key: 'name',
      header: t('columns.name'),
      className: 'min-w-44',
      cell: (k) => (
        <>
          <div className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium">
            {k.name}
            <StateBadge target={k} />
          </div>
          <code className="font-mono text-xs text-quiet">
            {k.start}…{k.last4}
          </code>
          <p className="mt-1 text-xs text-quiet desk:hidden">
            {t('columns.used')}: <LastUsed target={k} /> · {k.revoked_at ? t('state.revoked') : t('columns.expires')}: <Time at={k.revoked_at ?? k.expires_at} />
            {showOwner && ` · ${ownerOf(k)}`}
          </p>
        </>
      ),
    },
    { key: 'scopes', header: t('columns.scopes'), desk: true, className: 'min-w-32', cell: (k) => <May target={k} /> },
    { key: 'created', header: t('columns.created'), desk: true, className: 'whitespace-nowrap', cell: (k) => <Time at={k.created_at} form="date" /> },
    { key: 'expires', header: t('columns.expires'), desk: true, className: 'whitespace-nowrap', cell: (k) => <End target={k} /> },
    { key: 'used', header: t('columns.used'), desk: true, className: 'whitespace-nowrap', cell: (k) => <LastUsed target={k} /> },
    { key: 'usage', header: t('columns.usage'), desk: true, cell: (k) => <Month usage={usages.get(k.id)} from={from} to={to} visible={manages(k, viewer)} /> },
    {
      key: 'actions',
      header: t('columns.actions'),
      quiet: true,
      align: 'right',
      cell: (k) => manages(k, viewer) && <Deeds target={k} onDeed={onDeed} />,
    },
  ];
  const owner: Column<Key> = {
    key: 'owner',
    header: t('columns.owner'),
    desk: true,
    className: 'max-w-48 min-w-24',
    cell: ownerOf,
  };
  if (showOwner) columns.splice(1, 0, owner);
  return <Table caption={t('title')} columns={columns} rows={keys} rowKey={(k) => k.id} rowProps={(k) => ({ 'data-testid': 'key', 'data-id': k.id })} />;
}

function StateBadge({ target }: { target: Key }) {
  const { t } = useTranslation('keys');
  const state = stateOf(target);
  return <Badge look={looks[state]}>{t(`state.${state}`)}</Badge>;
}

/** End is when a key expires, or when it was revoked. */
function End({ target }: { target: Key }) {
  const { t } = useTranslation('keys');
  if (!target.revoked_at) return <Time at={target.expires_at} form="date" />;
  return (
    <span className="text-quiet">
      {t('state.revoked')}
      <Time at={target.revoked_at} form="date" className="block text-xs" />
    </span>
  );
}

function LastUsed({ target }: { target: Key }) {
  const { t } = useTranslation('keys');
  return target.last_used_at ? <Time at={target.last_used_at} /> : <span className="text-quiet">{t('never')}</span>;
}

/** May says what a key may use, in few words. */
function May({ target }: { target: Key }) {
  const { t } = useTranslation('keys');
  const scopes = target.scopes.length === allScopes ? t('scopes.all') : target.scopes.map((s) => t(scopeText[s as keyof typeof scopeText])).join(', ');
  const bounds = [
    target.models.length > 0 && t('narrowed.models', { count: target.models.length }),
    target.networks.length > 0 && t('narrowed.networks', { count: target.networks.length }),
    target.limits && t('narrowed.capped'),
  ].filter(Boolean);
  return (
    <>
      {scopes}
      {bounds.length > 0 && <p className="text-xs text-quiet">{bounds.join(' · ')}</p>}
    </>
  );
}

interface MonthProps {
  usage: KeyUsage | undefined;
  from: string;
  to: string;
  visible: boolean;
}

/** Month is what a key used in 30 days, as a line. */
function Month({ usage, from, to, visible }: MonthProps) {
  const { t } = useTranslation('keys');
  const credits = useCredits();
  if (!visible) return <span className="text-quiet" title={t('spark.hidden')} aria-label={t('spark.hidden')} role="img">–</span>;
  const used = usage?.data.map((d) => ({ day: d.day, value: d.debited })) ?? [];
  const drawn = spark(used, from, to, 80, 20);
  const requests = usage?.total.requests ?? 0;
  const label = requests === 0 ? t('spark.none') : t('spark.label', { count: requests, credits: credits(usage?.total.debited ?? 0) });
  return <Sparkline spark={drawn} width={80} height={20} label={label} />;
}

function Deeds({ target, onDeed }: { target: Key; onDeed: Props['onDeed'] }) {
  const { t } = useTranslation('keys');
  const works = target.state === 'active';
  return (
    <Menu trigger={<IconButton icon={Ellipsis} label={t('menu.label', { name: target.name })} size="sm" />}>
      <MenuItem onSelect={() => onDeed('usage', target)}>{t('menu.usage')}</MenuItem>
      {works && <MenuItem onSelect={() => onDeed('edit', target)}>{t('menu.edit')}</MenuItem>}
      {works && !target.successor && <MenuItem onSelect={() => onDeed('rotate', target)}>{t('menu.rotate')}</MenuItem>}
      {works && (
        <MenuItem look="danger" onSelect={() => onDeed('revoke', target)}>
          {t('menu.revoke')}
        </MenuItem>
      )}
    </Menu>
  );
}
