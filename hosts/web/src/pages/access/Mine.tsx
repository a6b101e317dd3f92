import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useOwnRequest, type OwnRequest } from '@/api/queries/access';
import { signedOut } from '@/api/problem';
import { Badge } from '@/ui/Badge';
import { Button } from '@/ui/Button';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { Time } from '@/ui/Time';
import { Providers } from '../Providers';
import { codeOf } from './desk';
import { products } from './form';

/** Where one sees what became of one's request. */
export const statusPath = '/request-access?view=status';

const looks = { open: 'accent', approved: 'ok', denied: 'danger' } as const;

/** Mine is what became of one's own request, once one is signed in. */
export function Mine() {
  const { t } = useTranslation('access');
  const mine = useOwnRequest();
  if (mine.isPending) return <SkeletonRows rows={3} label={t('mine.title')} />;
  if (mine.isSuccess) return <Standing request={mine.data} />;
  if (signedOut(mine.error)) {
    return (
      <section aria-labelledby="sign-in-first">
        <h2 id="sign-in-first" className="font-medium">
          {t('mine.signIn')}
        </h2>
        <p className="mt-1 mb-4 text-quiet">{t('mine.signInText')}</p>
        <Providers back={statusPath} label={(provider) => t('mine.with', { provider })} />
      </section>
    );
  }
  if (codeOf(mine.error) === 'not_found') {
    return (
      <section aria-labelledby="none-asked">
        <h2 id="none-asked" className="font-medium">
          {t('mine.none')}
        </h2>
        <p className="mt-1 mb-4 text-quiet">{t('mine.noneText')}</p>
        <Button asChild>
          <Link to="/request-access">{t('mine.ask')}</Link>
        </Button>
      </section>
    );
  }
  return <ProblemCard error={mine.error} onRetry={() => void mine.refetch()} retrying={mine.isFetching} />;
}

function Standing({ request }: { request: OwnRequest }) {
  const { t } = useTranslation('access');
  const names = products.filter((p) => request.products.includes(p)).map((p) => t(`product.${p}`));
  return (
    <div className="flex flex-col gap-4 rounded-md border border-line px-4 py-4">
      <p>
        <Badge look={looks[request.state]}>{t(`mine.state.${request.state}`)}</Badge>
      </p>
      <p>{t(`mine.${request.state}`)}</p>
      {request.reason && <blockquote className="border-l-2 border-line-strong pl-3 whitespace-pre-line">{request.reason}</blockquote>}
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1">
        <dt className="text-quiet">{t('mine.company')}</dt>
        <dd>{request.company}</dd>
        <dt className="text-quiet">{t('mine.products')}</dt>
        <dd>{names.join(', ')}</dd>
        <dt className="text-quiet">{t('mine.sent')}</dt>
        <dd>
          <Time at={request.created_at} form="moment" />
        </dd>
      </dl>
    </div>
  );
}
