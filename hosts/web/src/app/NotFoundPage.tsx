import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useTitle } from './title';

export function NotFoundPage() {
  const { t } = useTranslation();
  useTitle(t('notFound.title'));
  return (
    <main className="mx-auto max-w-prose p-8">
      <h1 className="text-xl font-semibold">{t('notFound.title')}</h1>
      <Link to="/chat">{t('notFound.home')}</Link>
    </main>
  );
}
