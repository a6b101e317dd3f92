import { Monitor, Moon, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { isLanguage, languages, type Language } from '@/i18n';
import { Choice } from './Choice';
import { useSetLanguage } from './language';
import { setTheme, useTheme } from './theme';

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
