import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /keys: the account's API keys. */
export default function KeysPage() {
  const { t } = useTranslation('keys');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
