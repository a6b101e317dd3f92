import { Monitor, Moon, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { isLanguage, languages, setLanguage, type Language } from '@/i18n';
import { toast } from '@/ui/toast';
import { Choice } from './Choice';
import { setTheme, useTheme } from './theme';

/** Changes the language, or says that it could not. */
export function useSetLanguage(): (language: Language) => void {
  const { t } = useTranslation();
  return (language) => {
    setLanguage(language).catch(() => toast({ title: t('looks.languageFailed'), look: 'danger' }));
  };
}

/** Light or dark, and the language. */
export function Looks() {
  const { t, i18n } = useTranslation();
  const theme = useTheme();
  const change = useSetLanguage();
  return (
    <div className="flex flex-col gap-2">
      <Choice
        label={t('looks.theme')}
        value={theme}
        onChange={setTheme}
        options={[
          { value: 'light', label: t('looks.light'), icon: Sun },
          { value: 'dark', label: t('looks.dark'), icon: Moon },
          { value: 'system', label: t('looks.system'), icon: Monitor },
        ]}
      />
      <Choice
        label={t('looks.language')}
        value={isLanguage(i18n.language) ? i18n.language : 'en'}
        onChange={change}
        options={(Object.keys(languages) as Language[]).map((value) => ({ value, label: languages[value] }))}
      />
    </div>
  );
}
