import { useTranslation } from 'react-i18next';

const suggestions = ['explain', 'draft', 'compare', 'code'] as const;

/** C1: what stands where nothing was asked yet. A suggestion fills the composer and is not sent. */
export function Welcome({ onPick }: { onPick: (text: string) => void }) {
  const { t } = useTranslation('chat');
  return (
    <div className="mx-auto flex min-h-0 w-full max-w-3xl flex-1 flex-col justify-end gap-6 overflow-y-auto px-4 pt-8 pb-6 desk:justify-center">
      <h2 className="text-2xl leading-8 font-semibold">{t('welcome.title')}</h2>
      <ul className="grid gap-2 desk:grid-cols-2">
        {suggestions.map((s) => (
          <li key={s}>
            <button
              type="button"
              className="flex h-full w-full flex-col rounded-md border border-line px-4 py-3 text-left hover:bg-hover"
              onClick={() => onPick(t(`welcome.${s}.text`))}
            >
              <span className="font-medium">{t(`welcome.${s}.title`)}</span>
              <span className="mt-0.5 text-quiet">{t(`welcome.${s}.lead`)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
