import { useTranslation } from 'react-i18next';
import { Skeleton } from '@/ui/Skeleton';
import { useInShell } from './slots';

/** What stands until a page has come, where that takes a while. */
export function Pending() {
  const { t } = useTranslation();
  const Part = useInShell() ? 'div' : 'main';
  return (
    <Part className="mx-auto w-full max-w-5xl px-4 py-8" aria-busy>
      <h1 className="sr-only">{t('ui.loading')}</h1>
      <Skeleton className="mb-6 h-7 w-48" />
      <Skeleton className="mb-3 h-9 w-full" />
      <Skeleton className="mb-3 h-9 w-full" />
      <Skeleton className="h-9 w-2/3" />
    </Part>
  );
}
