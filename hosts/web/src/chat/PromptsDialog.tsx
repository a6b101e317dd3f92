import { Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from '@/api/problem';
import { useDeletePrompt, usePrompts, useSavePrompt } from '@/api/queries/chat';
import { told } from '@/i18n/told';
import { AlertDialog } from '@/ui/AlertDialog';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { EmptyState } from '@/ui/EmptyState';
import { Field } from '@/ui/Field';
import { IconButton } from '@/ui/IconButton';
import { Input, Textarea } from '@/ui/Input';
import { ProblemCard } from '@/ui/ProblemCard';
import { SkeletonRows } from '@/ui/Skeleton';
import { toast } from '@/ui/toast';
import type { Prompt } from './types';

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

interface Edited {
  id?: string;
  title: string;
  text: string;
}

/** Where saved prompts are written, changed and removed. */
export default function PromptsDialog({ open, onOpenChange }: Props) {
  const { t } = useTranslation('chat');
  const [edited, setEdited] = useState<Edited>();
  const [doomed, setDoomed] = useState<Prompt>();
  const remove = useDeletePrompt();
  return (
    <>
      <Dialog
        open={open}
        onOpenChange={(next) => {
          if (!next) setEdited(undefined);
          onOpenChange(next);
        }}
        title={edited ? t(edited.id === undefined ? 'prompts.new' : 'prompts.edit') : t('prompts.title')}
        description={t('prompts.lead')}
        dismissable={edited === undefined}
      >
        {edited ? <PromptForm edited={edited} onDone={() => setEdited(undefined)} /> : <PromptList onEdit={setEdited} onDelete={setDoomed} />}
      </Dialog>
      <AlertDialog
        open={doomed !== undefined}
        onOpenChange={() => setDoomed(undefined)}
        title={t('prompts.deleteTitle', { title: doomed?.title })}
        description={t('prompts.deleteText')}
        confirm={t('prompts.delete')}
        busy={remove.isPending}
        onConfirm={() => {
          if (!doomed) return;
          remove.mutate(doomed.id, {
            onSuccess: () => setDoomed(undefined),
            onError: (e) => {
              const p = problemOf(e);
              toast({ title: told('problems', p.code, p.detail).sentence, look: 'danger' });
            },
          });
        }}
      />
    </>
  );
}

function PromptList({ onEdit, onDelete }: { onEdit: (p: Edited) => void; onDelete: (p: Prompt) => void }) {
  const { t } = useTranslation('chat');
  const prompts = usePrompts();
  if (prompts.isPending) return <SkeletonRows label={t('loading')} rows={3} />;
  if (prompts.isError) return <ProblemCard error={prompts.error} onRetry={() => void prompts.refetch()} />;
  const add = (
    <Button look="primary" onClick={() => onEdit({ title: '', text: '' })}>
      <Plus className="size-4" aria-hidden />
      {t('prompts.new')}
    </Button>
  );
  if (prompts.data.length === 0) {
    return (
      <EmptyState title={t('prompts.none')} action={add}>
        {t('prompts.noneText')}
      </EmptyState>
    );
  }
  return (
    <>
      <ul className="mb-4 divide-y divide-line rounded-md border border-line">
        {prompts.data.map((p) => (
          <li key={p.id} className="flex items-center gap-2 py-1.5 pr-2 pl-4">
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{p.title}</span>
              <span className="block truncate text-xs text-quiet">{p.text}</span>
            </span>
            <IconButton icon={Pencil} size="sm" label={t('prompts.editOne', { title: p.title })} onClick={() => onEdit(p)} />
            <IconButton icon={Trash2} size="sm" look="danger" label={t('prompts.deleteOne', { title: p.title })} onClick={() => onDelete(p)} />
          </li>
        ))}
      </ul>
      {add}
    </>
  );
}

function PromptForm({ edited, onDone }: { edited: Edited; onDone: () => void }) {
  const { t } = useTranslation('chat');
  const [title, setTitle] = useState(edited.title);
  const [text, setText] = useState(edited.text);
  const save = useSavePrompt();
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate({ id: edited.id, title: title.trim(), text }, { onSuccess: onDone });
      }}
    >
      <Field label={t('prompts.name')} required>
        <Input autoFocus maxLength={200} value={title} onChange={(e) => setTitle(e.target.value)} />
      </Field>
      <Field label={t('prompts.text')} required>
        <Textarea rows={8} value={text} onChange={(e) => setText(e.target.value)} />
      </Field>
      {save.isError && <ProblemCard error={save.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onDone}>{t('message.cancel')}</Button>
        <Button type="submit" look="primary" busy={save.isPending} disabled={title.trim() === '' || text.trim() === ''}>
          {t('prompts.save')}
        </Button>
      </div>
    </form>
  );
}
