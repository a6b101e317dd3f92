import { Pencil } from 'lucide-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '@/ui/Button';
import { CopyButton } from '@/ui/CopyButton';
import { IconButton } from '@/ui/IconButton';
import { Branches } from './Branches';
import { composing } from './keys';
import { localPrefix } from './tree';
import type { Message } from './types';
import { useView } from './view';

/** What the person asked; it can be asked in other words, which makes a branch. */
export function Question({ message }: { message: Message }) {
  const { t } = useTranslation('chat');
  const { conversation, closed, edit, editing, setEditing } = useView();
  const busy = conversation.sending || conversation.running !== undefined;
  if (editing === message.id) {
    return (
      <QuestionEditor
        text={message.text}
        busy={busy || closed}
        onCancel={() => setEditing(undefined)}
        onSend={(text) => {
          setEditing(undefined);
          edit(message.id, text);
        }}
      />
    );
  }
  return (
    <div className="flex flex-col items-end gap-1 desk:flex-row-reverse desk:items-center">
      <div className="max-w-[85%] desk:max-w-[75%] rounded-xl bg-hover px-4 py-2.5 text-base whitespace-pre-wrap">{message.text}</div>
      {!message.id.startsWith(localPrefix) && (
        <div className="message-actions flex items-center">
          <CopyButton text={message.text} label={t('message.copyQuestion')} />
          <IconButton
            icon={Pencil}
            size="sm"
            label={t('message.edit')}
            disabled={busy || closed}
            data-testid="edit-question"
            onClick={() => setEditing(message.id)}
          />
          <Branches message={message} />
        </div>
      )}
    </div>
  );
}

interface EditorProps {
  text: string;
  busy: boolean;
  onCancel: () => void;
  onSend: (text: string) => void;
}

function QuestionEditor({ text, busy, onCancel, onSend }: EditorProps) {
  const { t } = useTranslation('chat');
  const [value, setValue] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  const ready = value.trim() !== '' && !busy;
  const keys = (e: KeyboardEvent) => {
    if (composing(e)) return;
    if (e.key === 'Escape') {
      e.stopPropagation();
      onCancel();
    }
    if (e.key === 'Enter' && !e.shiftKey && ready) {
      e.preventDefault();
      onSend(value);
    }
  };
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(e) => {
        e.preventDefault();
        if (ready) onSend(value);
      }}
    >
      <textarea
        ref={field}
        autoFocus
        aria-label={t('message.editLabel')}
        value={value}
        rows={Math.min(12, Math.max(3, value.split('\n').length))}
        className="w-full resize-y rounded-md border border-line-control bg-page px-3 py-2 text-base"
        onFocus={(e) => e.target.setSelectionRange(e.target.value.length, e.target.value.length)}
        onChange={(e) => setValue(e.target.value)}
        onKeyDown={keys}
      />
      <div className="flex flex-wrap items-center justify-end gap-2">
        <span className="mr-auto text-xs text-quiet">{t('message.editHint')}</span>
        <Button size="sm" onClick={onCancel}>
          {t('message.cancel')}
        </Button>
        <Button size="sm" look="primary" type="submit" disabled={!ready}>
          {t('message.send')}
        </Button>
      </div>
    </form>
  );
}
