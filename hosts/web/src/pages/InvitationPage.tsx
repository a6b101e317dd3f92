import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /invitation: an invitation is accepted; its token stands in the fragment. */
export default function InvitationPage() {
  const { t } = useTranslation('members');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
