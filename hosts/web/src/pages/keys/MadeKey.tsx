import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NewKey } from '@/api/queries/keys';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { Dialog } from '@/ui/Dialog';
import { Tabs } from '@/ui/Tabs';
import { ShownOnce } from '../ShownOnce';
import { useModel } from './model';
import { snippets, type SnippetID } from './snippets';

interface Props {
  made: NewKey;
  /** What became of the old key, after a rotation. */
  old?: string;
  onStored: () => void;
}

/** MadeKey shows a new key this once: it closes only when somebody says that it is stored. */
export function MadeKey({ made, old, onStored }: Props) {
  const { t } = useTranslation('keys');
  const [stay, setStay] = useState(false);
  const [tool, setTool] = useState<SnippetID>('curl');
  const model = useModel(made.key.models);
  useEffect(() => {
    const warn = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, []);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && setStay(true)}
      title={old === undefined ? t('made.title') : t('made.rotated')}
      description={t('made.once')}
      width="lg"
      dismissable={false}
      footer={
        <>
          {stay && (
            <p role="alert" className="mr-auto self-center text-warn">
              {t('made.stay')}
            </p>
          )}
          <Button look="primary" onClick={onStored}>
            {t('made.stored')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-5">
        {old && <p>{old}</p>}
        <ShownOnce label={t('made.token')} text={made.token} copy={t('made.copy')} testid="new-key" />
        <section aria-labelledby="use-key">
          <h3 id="use-key" className="font-medium">
            {t('made.how')}
          </h3>
          <p className="mt-0.5 mb-2 text-xs text-quiet">{t('made.inSnippet')}</p>
          <Tabs<SnippetID>
            label={t('made.how')}
            value={tool}
            onChange={setTool}
            tabs={snippets({ origin: window.location.origin, token: made.token, model }).map((s) => ({
              value: s.id,
              label: s.label,
              content: (
                <div className="rounded-md border border-line bg-sunken">
                  <div className="flex justify-end px-2 pt-2">
                    <CopyButton text={s.text} label={t('made.copySnippet', { tool: s.label })} />
                  </div>
                  <pre tabIndex={0} aria-label={s.label} className="max-h-80 overflow-auto rounded-md px-4 pb-4 font-mono text-xs leading-5 whitespace-pre">
                    {s.text}
                  </pre>
                </div>
              ),
            }))}
          />
        </section>
      </div>
    </Dialog>
  );
}
