import { Link } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { EmptyState } from '@/ui/EmptyState';
import { useTitle } from './title';

export function NotFoundPage() {
  const { t } = useTranslation();
  useTitle(t('notFound.title'));
  return (
    <main id="main" tabIndex={-1} className="flex min-h-full items-center outline-none">
      <EmptyState
        icon={Compass}
        level={1}
        title={t('notFound.title')}
        action={
          <Button asChild look="primary">
            <Link to="/chat">{t('notFound.home')}</Link>
          </Button>
        }
      >
        {t('notFound.text')}
      </EmptyState>
    </main>
  );
}
