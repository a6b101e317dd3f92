import { Link, Outlet } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';

/** The shell: navigation beside the page. */
export default function AppLayout() {
  const { t } = useTranslation();
  return (
    <div className="flex h-full">
      <nav className="w-60 border-r border-line p-4" aria-label={t('nav.label')}>
        <Link to="/chat">{t('nav.chat')}</Link>
      </nav>
      <main id="main" tabIndex={-1} className="min-w-0 flex-1 overflow-auto p-6">
        <Outlet />
      </main>
    </div>
  );
}
