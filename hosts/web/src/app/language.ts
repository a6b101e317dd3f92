import { useTranslation } from 'react-i18next';
import { setLanguage, type Language } from '@/i18n';
import { toast } from '@/ui/toast';

/** Changes the language, or says that it could not. */
export function useSetLanguage(): (language: Language) => void {
  const { t } = useTranslation();
  return (language) => {
    setLanguage(language).catch(() => toast({ title: t('looks.languageFailed'), look: 'danger' }));
  };
}
