import { Inbox, ShieldAlert } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRequest, useRequests, type AccessRequest, type ApprovedRequest, type RequestFilter } from '@/api/queries/access';
import { useArea } from '@/api/queries/me';
import { Choice } from '@/app/Choice';
import { useTitle } from '@/app/title';
import { addTexts } from '@/i18n';
import texts from '@/i18n/en/access.json';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/EmptyState';
import { PageHeader } from '@/ui/PageHeader';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Table } from '@/ui/Table';
import { Time } from '@/ui/Time';
import { useKeptForm } from './keptForm';
import { Approve, Approved } from './operator/Approve';
import { Deny, Reopen } from './operator/Decide';
import { Detail, looks, productNames } from './operator/Detail';
import { readApproval, toApproval, type ApproveForm } from './operator/terms';
import { useReturnFocus } from './returnFocus';

addTexts('access', texts);

const filters: RequestFilter[] = ['open', 'approved', 'denied', 'all'];

type Open = { what: 'detail' | 'deny' | 'reopen'; request: AccessRequest } | { what: 'approved'; approved: ApprovedRequest } | null;

/** /operator/requests: who asks to use this environment. For operators. */
export default function OperatorRequestsPage() {
  const { t } = useTranslation('access');
  useTitle(t('operator.title'));
  const area = useArea('operator');
  const [filter, setFilter] = useState<RequestFilter>('open');
  const [open, setOpen] = useState<Open>(null);
  const [form, setForm] = useKeptForm('operator.approve', readApproval);
  const close = () => setOpen(null);
  useReturnFocus(open !== null || form !== null);
  if (!area?.allowed) {
    return (
      <EmptyState icon={ShieldAlert} level={1} title={t('operator.forbidden')}>
        {t('operator.forbiddenText')}
      </EmptyState>
    );
  }
  return (
    <>
      <PageHeader title={t('operator.title')} lead={t('operator.lead')} />
      <div className="flex flex-col items-stretch gap-4">
        <div className="desk:max-w-md [&_button]:flex-auto [&_button]:whitespace-nowrap">
          <Choice label={t('operator.filter')} value={filter} onChange={setFilter} options={filters.map((value) => ({ value, label: t(`operator.filters.${value}`) }))} />
        </div>
        <List filter={filter} onShow={(request) => setOpen({ what: 'detail', request })} />
      </div>
      {open?.what === 'detail' && !form && (
        <Detail
          request={open.request}
          onClose={close}
          onApprove={() => setForm(toApproval(open.request))}
          onDeny={() => setOpen({ what: 'deny', request: open.request })}
          onReopen={() => setOpen({ what: 'reopen', request: open.request })}
        />
      )}
      {form && (
        <Approving
          form={form}
          onChange={setForm}
          onClose={() => setForm(null)}
          onDone={(approved) => {
            setForm(null);
            setOpen({ what: 'approved', approved });
          }}
        />
      )}
      {open?.what === 'deny' && <Deny request={open.request} onClose={close} />}
      {open?.what === 'reopen' && <Reopen request={open.request} onClose={close} />}
      {open?.what === 'approved' && <Approved approved={open.approved} onClose={close} />}
    </>
  );
}

interface ApprovingProps {
  form: ApproveForm;
  onChange: (form: ApproveForm) => void;
  onClose: () => void;
  onDone: (approved: ApprovedRequest) => void;
}

/** Approving looks the request up: after a sign-in only its ID is left. */
function Approving(props: ApprovingProps) {
  const request = useRequest(props.form.id);
  if (request.isError && !request.data) return <ProblemCard error={request.error} onRetry={() => void request.refetch()} retrying={request.isFetching} />;
  return request.data ? <Approve {...props} company={request.data.company} email={request.data.email} /> : null;
}

function List({ filter, onShow }: { filter: RequestFilter; onShow: (request: AccessRequest) => void }) {
  const { t } = useTranslation('access');
  const requests = useRequests(filter);
  const all = requests.data?.pages.flatMap((p) => p.data) ?? [];
  if (requests.isPending) return <SkeletonRows rows={4} label={t('operator.title')} />;
  if (requests.isError && all.length === 0) return <ProblemCard error={requests.error} onRetry={() => void requests.refetch()} retrying={requests.isFetching} />;
  if (all.length === 0) {
    return (
      <EmptyState icon={Inbox} title={t('operator.empty')}>
        {filter === 'open' && t('operator.emptyOpen')}
      </EmptyState>
    );
  }
  return (
    <>
      <Table
        caption={t('operator.title')}
        rows={all}
        rowKey={(r) => r.id}
        rowProps={(r) => ({ 'data-testid': 'access-request', 'data-id': r.id })}
        columns={[
          {
            key: 'company',
            header: t('operator.columns.company'),
            className: 'min-w-40',
            cell: (r) => (
              <>
                <button type="button" onClick={() => onShow(r)} aria-label={t('operator.show', { company: r.company })} className="text-left font-medium text-accent hover:underline touch:min-h-11">
                  {r.company}
                </button>
                <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-quiet desk:hidden">
                  <State request={r} /> {r.email}
                </div>
              </>
            ),
          },
          { key: 'email', header: t('operator.columns.email'), desk: true, cell: (r) => r.email },
          { key: 'products', header: t('operator.columns.products'), desk: true, cell: (r) => productNames(r, t) },
          {
            key: 'asked',
            header: t('operator.columns.asked'),
            cell: (r) => (
              <>
                <Time at={r.created_at} className="whitespace-nowrap" />
                {r.times > 1 && <p className="text-xs text-quiet">{t('operator.times', { count: r.times })}</p>}
              </>
            ),
          },
          { key: 'state', header: t('operator.columns.state'), desk: true, cell: (r) => <State request={r} /> },
        ]}
      />
      {requests.isError && <ProblemCard error={requests.error} />}
      {requests.hasNextPage && (
        <Button className="self-center" busy={requests.isFetchingNextPage} onClick={() => void requests.fetchNextPage()}>
          {t('operator.more')}
        </Button>
      )}
    </>
  );
}

function State({ request }: { request: AccessRequest }) {
  const { t } = useTranslation('access');
  return <Badge look={looks[request.state]}>{t(`operator.state.${request.state}`)}</Badge>;
}
