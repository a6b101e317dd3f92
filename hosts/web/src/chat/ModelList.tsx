import { Command } from 'cmdk';
import { Check } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { ModelPrice } from './ModelPrice';
import type { Model } from './types';

interface Props {
  models: readonly Model[];
  value: string | undefined;
  onChange: (id: string) => void;
}

/** The models to choose from; many can be searched. */
export default function ModelList({ models, value, onChange }: Props) {
  const { t } = useTranslation('chat');
  return (
    <Command label={t('model.label')} {...(value === undefined ? {} : { defaultValue: value })} loop>
      <Command.Input
        autoFocus
        placeholder={t('model.search')}
        className="h-10 w-full border-b border-line bg-transparent px-3 outline-none touch:h-11 touch:text-base"
      />
      <Command.List className="max-h-80 overflow-y-auto p-1">
        <Command.Empty className="px-3 py-4 text-center text-quiet">{t('model.empty')}</Command.Empty>
        {models.map((m) => (
          <Command.Item
            key={m.id}
            value={m.id}
            onSelect={() => onChange(m.id)}
            className="flex items-start gap-2 rounded-sm px-2 py-2 data-[selected=true]:bg-hover touch:min-h-11"
          >
            <Check className={m.id === value ? 'mt-0.5 size-4 shrink-0 text-accent' : 'mt-0.5 size-4 shrink-0 opacity-0'} aria-hidden />
            <span className="min-w-0 flex-1">
              <span className="block font-medium break-words">
                {m.id}
                {m.id === value && <span className="sr-only"> ({t('model.chosen')})</span>}
              </span>
              <ModelPrice model={m} />
            </span>
          </Command.Item>
        ))}
      </Command.List>
      <p className="border-t border-line px-3 py-2 text-xs text-quiet">{t('model.unit')}</p>
    </Command>
  );
}
