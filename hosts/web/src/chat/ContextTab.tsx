import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { Field } from '@/ui/Field';
import { Textarea } from '@/ui/Input';
import { count } from './format';
import { ModelPrice } from './ModelPrice';
import { useView } from './view';

interface Props {
  instructions: string;
  /** Saves them; false if that failed. */
  onInstructions: (text: string) => Promise<boolean>;
}

const longest = 16 * 1024;

/** What the model is sent with a question. */
export function ContextTab({ instructions, onInstructions }: Props) {
  const { t, i18n } = useTranslation('chat');
  const { conversation, model } = useView();
  const turn = conversation.path.findLast((m) => m.turn !== undefined)?.turn;
  const l = i18n.language;
  return (
    <div className="flex flex-col gap-6">
      <Instructions value={instructions} onSave={onInstructions} />
      <section>
        <h3 className="font-medium">{t('context.messages')}</h3>
        {turn ? (
          <>
            <p className="mt-1 text-quiet">{t('context.sent', { count: turn.sent_messages, n: count(turn.sent_messages, l) })}</p>
            {turn.left_out_messages > 0 && (
              <p className="mt-1 text-warn">{t('context.leftOut', { count: turn.left_out_messages, n: count(turn.left_out_messages, l) })}</p>
            )}
          </>
        ) : (
          <p className="mt-1 text-quiet">{t('context.nothing')}</p>
        )}
      </section>
      {model && (
        <section>
          <h3 className="font-medium">{t('details.model')}</h3>
          <p className="mt-1 break-words">{model.id}</p>
          <p className="text-quiet">{t('context.owner', { owner: model.owner })}</p>
          <p className="text-quiet">{t('context.longest', { tokens: count(model.max_output_tokens, l) })}</p>
          <ModelPrice model={model} />
          <p className="mt-1 text-xs text-faint">{t('model.unit')}</p>
        </section>
      )}
    </div>
  );
}

function Instructions({ value, onSave }: { value: string; onSave: (text: string) => Promise<boolean> }) {
  const { t } = useTranslation('chat');
  const [text, setText] = useState(value);
  const [state, setState] = useState<'idle' | 'busy' | 'saved'>('idle');
  const tooLong = new TextEncoder().encode(text).length > longest;
  useEffect(() => {
    if (state !== 'saved') return;
    const timer = setTimeout(() => setState('idle'), 2000);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        setState('busy');
        void onSave(text).then((done) => setState(done ? 'saved' : 'idle'));
      }}
    >
      <Field label={t('context.instructions')} hint={t('context.instructionsHint')} error={tooLong ? t('context.tooLong') : undefined}>
        <Textarea rows={6} value={text} onChange={(e) => setText(e.target.value)} />
      </Field>
      <div className="mt-2 flex items-center gap-3">
        <Button size="sm" type="submit" busy={state === 'busy'} disabled={tooLong || text === value}>
          {t('context.save')}
        </Button>
        <span role="status" className="text-xs text-quiet">
          {state === 'saved' && t('context.saved')}
        </span>
      </div>
    </form>
  );
}
