import { useTranslation } from 'react-i18next';
import { credits } from './format';
import type { Model } from './types';

/** What a model costs, in credits for a million tokens. */
export function ModelPrice({ model: m }: { model: Model }) {
  const { t, i18n } = useTranslation('chat');
  const price = (micro: number) => credits(micro, i18n.language);
  return (
    <span className="block text-xs text-quiet tabular-nums">
      {t('model.price', {
        input: price(m.input_microcredits_per_million),
        cached: price(m.cached_input_microcredits_per_million),
        output: price(m.output_microcredits_per_million),
      })}
      {m.request_microcredits > 0 && ` · ${t('model.request', { credits: price(m.request_microcredits) })}`}
    </span>
  );
}
