import { FileText, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useDesk } from '@/app/media';
import { Dialog } from '@/ui/Dialog';
import { EmptyState } from '@/ui/EmptyState';
import { IconButton } from '@/ui/IconButton';
import { Tabs } from '@/ui/Tabs';
import { ContextTab } from './ContextTab';
import { TraceTab } from './TraceTab';

export type PanelTab = 'context' | 'files' | 'trace';

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  tab: PanelTab;
  onTab: (tab: PanelTab) => void;
  instructions: string;
  onInstructions: (text: string) => Promise<boolean>;
}

/** Context & tools: what the model is told, which files it has, how an answer came about. */
export default function Panel({ open, onOpenChange, ...rest }: Props) {
  const { t } = useTranslation('chat');
  const desk = useDesk();
  if (!desk) {
    return (
      <Dialog open={open} onOpenChange={onOpenChange} title={t('panel.title')} begin="window">
        <div data-testid="panel">
          <PanelTabs {...rest} />
        </div>
      </Dialog>
    );
  }
  if (!open) return null;
  return (
    <aside aria-label={t('panel.title')} data-testid="panel" className="flex w-80 shrink-0 flex-col border-l border-line">
      <div className="flex items-center justify-between py-2 pr-2 pl-4">
        <h2 className="font-semibold">{t('panel.title')}</h2>
        <IconButton icon={X} size="sm" label={t('panel.close')} onClick={() => onOpenChange(false)} />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-4 pb-4">
        <PanelTabs {...rest} />
      </div>
    </aside>
  );
}

function PanelTabs({ tab, onTab, instructions, onInstructions }: Omit<Props, 'open' | 'onOpenChange'>) {
  const { t } = useTranslation('chat');
  return (
    <Tabs
      label={t('panel.title')}
      value={tab}
      onChange={onTab}
      tabs={[
        { value: 'context', label: t('panel.context'), content: <ContextTab instructions={instructions} onInstructions={onInstructions} /> },
        {
          value: 'files',
          label: t('panel.files'),
          content: (
            <EmptyState icon={FileText} title={t('files.none')}>
              {t('files.noneText')}
            </EmptyState>
          ),
        },
        { value: 'trace', label: t('panel.trace'), content: <TraceTab /> },
      ]}
    />
  );
}
