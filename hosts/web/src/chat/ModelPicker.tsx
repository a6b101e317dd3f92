import { ChevronDown } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Popover } from '@/ui/Popover';
import type { Model } from './types';

const ModelList = lazy(() => import('./ModelList'));

interface Props {
  models: readonly Model[];
  value: string | undefined;
  onChange: (id: string) => void;
}

/** Which model the next question goes to, with what it costs. */
export function ModelPicker({ models, value, onChange }: Props) {
  const { t } = useTranslation('chat');
  const [open, setOpen] = useState(false);
  return (
    <Popover
      label={t('model.label')}
      open={open}
      onOpenChange={setOpen}
      side="top"
      className="w-96 max-w-[calc(100vw-1rem)] overflow-hidden"
      trigger={
        <Button look="ghost" size="sm" data-testid="model-picker" className="max-w-[60%] min-w-0" disabled={models.length === 0}>
          <span className="sr-only">{t('model.label')}: </span>
          <span className="truncate">{value ?? t('model.none')}</span>
          <ChevronDown className="size-3.5 shrink-0" aria-hidden />
        </Button>
      }
    >
      <Suspense fallback={<p className="p-4 text-quiet">{t('loading')}</p>}>
        <ModelList
          models={models}
          value={value}
          onChange={(id) => {
            onChange(id);
            setOpen(false);
          }}
        />
      </Suspense>
    </Popover>
  );
}
