import { useAui, useAuiState } from '@assistant-ui/react';
import { ArrowUp, Square } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '@/ui/IconButton';
import { ComposerField } from './ComposerField';
import { useDraft } from './draft';
import { composing } from './keys';
import { ModelPicker } from './ModelPicker';
import { PromptMenu, usePromptMenu } from './PromptMenu';
import { useView } from './view';

export interface ComposerHandle {
  focus: () => void;
  /** Puts a text there, to be sent or changed. */
  fill: (text: string) => void;
  text: () => string;
}

interface Props {
  ref: Ref<ComposerHandle>;
  /** Whose draft it is: a thread's ID, or "new". */
  draft: string;
  onModel: (id: string) => void;
  onStop: () => void;
  /** Opens the last question to be asked in other words. */
  onEditLast: () => void;
  onManagePrompts: () => void;
  /** Why nothing can be asked, where that is so. */
  notice?: ReactNode;
}

// The server takes 128 KiB of UTF-8; what is longer would be refused.
const longest = 128 * 1024;

/** Where questions are written. */
export function Composer({ ref, draft, onModel, onStop, onEditLast, onManagePrompts, notice }: Props) {
  const { t } = useTranslation('chat');
  const { conversation, closed, model, models } = useView();
  const aui = useAui();
  const text = useAuiState((s) => s.composer.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useDraft(draft);
  const running = conversation.running !== undefined || conversation.sending;
  const tooLong = useTooLong(text);
  const ready = text.trim() !== '' && !running && !closed && !tooLong;
  const prompts = usePromptMenu(text, (chosen) => {
    if (chosen !== undefined) return fill(chosen);
    aui.composer.setText('');
    onManagePrompts();
  });

  const focus = () => field.current?.focus();
  function fill(value: string) {
    aui.composer.setText(value);
    requestAnimationFrame(() => {
      focus();
      field.current?.setSelectionRange(value.length, value.length);
    });
  }
  useImperativeHandle(ref, () => ({ focus, fill, text: () => aui.composer.getState().text }));

  // On a phone the keyboard would cover what one came to read.
  useEffect(() => {
    if (!matchMedia('(pointer: coarse)').matches) field.current?.focus();
  }, [draft]);

  const keys = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if (composing(e)) return;
    if (prompts.keys(e)) return;
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      if (ready) e.currentTarget.form?.requestSubmit();
    } else if (e.key === 'Escape' && conversation.running) {
      e.preventDefault();
      onStop();
    } else if (e.key === 'ArrowUp' && text === '' && !running) {
      e.preventDefault();
      onEditLast();
    }
  };

  return (
    <div className="mx-auto w-full max-w-3xl px-4 pb-[max(0.75rem,env(safe-area-inset-bottom))]">
      {notice && <div className="mb-2">{notice}</div>}
      <form
        className="relative rounded-xl border border-line-control bg-page focus-within:border-accent"
        onSubmit={(e) => {
          e.preventDefault();
          if (ready) aui.composer.send();
        }}
      >
        <PromptMenu menu={prompts} />
        <ComposerField
          ref={field}
          data-testid="chat-composer"
          aria-label={t('composer.label')}
          placeholder={t(closed ? 'composer.closed' : 'composer.placeholder')}
          className="composer-input block w-full resize-none bg-transparent px-4 pt-3 pb-1 text-base outline-none"
          onKeyDown={keys}
          {...prompts.field}
        />
        <div className="flex items-center gap-1 px-2 pb-2">
          <ModelPicker models={models} value={model?.id} onChange={onModel} />
          <div className="flex-1" />
          {tooLong && (
            <span role="alert" className="text-xs text-danger">
              {t('composer.tooLong')}
            </span>
          )}
          {running ? (
            <IconButton
              icon={Square}
              look="outline"
              label={t(conversation.stopping ? 'composer.stopping' : 'composer.stop')}
              keys="Esc"
              data-testid="chat-stop"
              disabled={conversation.stopping || conversation.sending}
              onClick={() => {
                onStop();
                focus();
              }}
            />
          ) : (
            <IconButton icon={ArrowUp} look="primary" type="submit" label={t('composer.send')} keys="↵" data-testid="chat-send" disabled={!ready} />
          )}
        </div>
      </form>
      <p className="mt-1.5 text-center text-xs text-faint">{t('composer.hint')}</p>
    </div>
  );
}

/** Whether a text is longer than the server takes; counted where it may be. */
function useTooLong(text: string): boolean {
  const [long, setLong] = useState(false);
  const next = text.length > longest / 3 && new TextEncoder().encode(text).length > longest;
  if (next !== long) setLong(next);
  return next;
}
