import { useTranslation } from 'react-i18next';
import { useTitle } from '@/app/title';
import { PageHeader } from '@/ui/PageHeader';

/** /chat and /chat/$thread: the conversation, with the list of threads beside it. */
export default function ChatPage() {
  const { t } = useTranslation('chat');
  useTitle(t('title'));
  return <PageHeader title={t('title')} />;
}
