import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /setup: what the account settles before it begins. */
export default function SetupPage() {
  const { t } = useTranslation('setup');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
