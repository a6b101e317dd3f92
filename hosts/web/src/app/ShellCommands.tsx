import { useRouter } from '@tanstack/react-router';
import { CircleHelp, Languages, LogOut, Monitor, Moon, Sun } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe, useSignOut } from '@/api/queries/me';
import { isLanguage, languages, type Language } from '@/i18n';
import { toastProblem } from '@/ui/toast';
import { setPalette, useCommands, type Command } from './commands';
import { useSetLanguage } from './language';
import { destinationsOf, type Destination } from './nav';
import { left } from './session';
import { useShortcut } from './shortcuts';
import { setTheme } from './theme';

/** What can be done from every page, by the palette and by keys. */
export function ShellCommands({ onHelp }: { onHelp: () => void }) {
  const { t, i18n } = useTranslation();
  const router = useRouter();
  const me = useMe();
  const { mutate: signOut } = useSignOut();
  const setLanguage = useSetLanguage();
  const destinations = destinationsOf(me);

  useShortcut('mod+k', t('palette.title'), () => setPalette(true));
  useShortcut('?', t('help.title'), onHelp);

  const commands = useMemo<Command[]>(() => {
    const looks = t('palette.looks');
    const other = (Object.keys(languages) as Language[]).filter((language) => isLanguage(language) && language !== i18n.language);
    return [
      ...destinationsOf(me).map(({ to, name, icon, key }) => ({
        id: to, group: t('palette.go'), text: t(`nav.${name}`), icon, keys: `g ${key}`, run: () => void router.navigate({ to }),
      })),
      { id: 'light', group: looks, text: t('palette.light'), icon: Sun, run: () => setTheme('light') },
      { id: 'dark', group: looks, text: t('palette.dark'), icon: Moon, run: () => setTheme('dark') },
      { id: 'system', group: looks, text: t('palette.system'), icon: Monitor, run: () => setTheme('system') },
      ...other.map((language) => ({ id: language, group: looks, text: languages[language], words: [t('looks.language'), 'language'], icon: Languages, run: () => setLanguage(language) })),
      { id: 'help', group: t('palette.more'), text: t('help.title'), icon: CircleHelp, keys: '?', run: onHelp },
      {
        id: 'sign-out', group: t('palette.more'), text: t('account.signOut'), icon: LogOut,
        run: () => signOut(undefined, { onSuccess: ({ logout_url }) => left(logout_url), onError: (error) => toastProblem(t('account.signOutFailed'), error) }),
      },
    ];
    // setLanguage is new each time and does the same.
  }, [t, i18n.language, me, router, onHelp, signOut]);
  useCommands(commands);

  return destinations.map((destination) => <GoTo key={destination.to} destination={destination} />);
}

/** Goes to a page by g and its key. */
function GoTo({ destination: { to, name, key } }: { destination: Destination }) {
  const { t } = useTranslation();
  const router = useRouter();
  useShortcut(`g ${key}`, t('help.go', { page: t(`nav.${name}`) }), () => void router.navigate({ to }));
  return null;
}
