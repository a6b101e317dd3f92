/**
 * The texts. English stands in for what another language lacks: what the shell and
 * the chat say comes with the app, what a page says with that page (see addTexts).
 * Other languages are loaded when they are chosen. A namespace is a JSON file, the
 * same in each language (texts.test.ts compares them); what the server says has
 * one in each language but English (see told.ts).
 */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { keep, kept } from '@/app/kept';
import type en from './en';
import chat from './en/chat.json';
import common from './en/common.json';
import { bundle } from './told';

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

const key = 'archibot.language';

export function isLanguage(value: string | null | undefined): value is Language {
  return value != null && Object.hasOwn(languages, value);
}

/** The language chosen here, else the first of the browser's that there is. */
function preferred(): Language {
  const chosen = kept(key);
  if (isLanguage(chosen)) return chosen;
  return navigator.languages.map((l) => l.split('-')[0]).find(isLanguage) ?? 'en';
}

async function load(language: Language): Promise<void> {
  if (language === 'en' || i18next.hasResourceBundle(language, 'common')) return;
  const { default: texts, told } = await import('./de');
  i18next.addResourceBundle(language, bundle, told);
  for (const [namespace, bundle] of Object.entries(texts)) i18next.addResourceBundle(language, namespace, bundle);
}

/** Adds the English texts of a page. Its module calls this, before it is rendered. */
export function addTexts<Namespace extends keyof typeof en>(namespace: Namespace, texts: (typeof en)[Namespace]): void {
  i18next.addResourceBundle('en', namespace, texts);
}

export async function begin(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    defaultNS: 'common',
    ns: ['common', 'chat'],
    resources: { en: { common, chat } },
    interpolation: { escapeValue: false }, // React escapes
  });
  const language = preferred();
  await load(language)
    .then(() => i18next.changeLanguage(language))
    .catch(() => undefined); // the file did not come: English does
  document.documentElement.lang = i18next.language;
}

export async function setLanguage(language: Language): Promise<void> {
  await load(language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  keep(key, language);
}
