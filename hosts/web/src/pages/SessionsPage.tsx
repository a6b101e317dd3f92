import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /sessions: where one is signed in. */
export default function SessionsPage() {
  const { t } = useTranslation('sessions');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
