import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /request-access: how strangers ask to be let in. */
export default function RequestAccessPage() {
  const { t } = useTranslation('access');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
