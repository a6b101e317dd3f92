import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /members: who belongs to the account, and who is invited. */
export default function MembersPage() {
  const { t } = useTranslation('members');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
