import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /operator/requests: who asks to be let in. */
export default function OperatorRequestsPage() {
  const { t } = useTranslation('access');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
