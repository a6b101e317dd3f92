import { Settings2 } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePrompts } from '@/api/queries/chat';
import { cx } from '@/ui/cx';
import { composing } from './keys';
import type { Prompt } from './types';

const most = 8;

/**
 * The saved prompts that a slash brings up. The composer keeps the focus: its
 * keys go here first, and its attributes say what is chosen.
 */
export function usePromptMenu(text: string, choose: (text: string | undefined) => void) {
  const id = useId();
  const asked = /^\/[^\n]{0,60}$/.test(text);
  const { data } = usePrompts(asked);
  const [closedFor, setClosedFor] = useState<string>();
  const [at, setAt] = useState(0);
  const open = asked && closedFor !== text;
  const query = text.slice(1).toLowerCase();
  const found = open ? (data ?? []).filter((p) => p.title.toLowerCase().includes(query)).slice(0, most) : [];
  const count = found.length + 1; // the last one manages them
  const active = Math.min(at, count - 1);

  const take = (i: number) => {
    setAt(0);
    choose(found[i]?.text);
  };
  const keys = (e: KeyboardEvent): boolean => {
    if (!open || composing(e)) return false;
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') setAt((active + (e.key === 'ArrowDown' ? 1 : count - 1)) % count);
    else if ((e.key === 'Enter' && !e.shiftKey) || e.key === 'Tab') take(active);
    else if (e.key === 'Escape') setClosedFor(text);
    else return false;
    e.preventDefault();
    return true;
  };
  const field = open
    ? { 'aria-autocomplete': 'list' as const, 'aria-controls': `${id}-list`, 'aria-activedescendant': `${id}-${active}` }
    : { 'aria-autocomplete': 'list' as const };
  return { id, open, found, active, take, keys, field };
}

interface Props {
  menu: { id: string; open: boolean; found: Prompt[]; active: number; take: (i: number) => void };
}

export function PromptMenu({ menu }: Props) {
  const { t } = useTranslation('chat');
  const { id, open, found, active, take } = menu;
  useEffect(() => {
    if (open) document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' });
  }, [open, id, active]);
  if (!open) return null;
  const row = (i: number) =>
    cx('flex min-h-9 w-full cursor-default flex-col justify-center rounded-sm px-3 py-1.5 touch:min-h-11', i === active && 'bg-hover');
  return (
    <div
      id={`${id}-list`}
      role="listbox"
      aria-label={t('prompts.title')}
      tabIndex={0}
      className="absolute inset-x-0 bottom-full z-30 mb-2 max-h-80 overflow-y-auto rounded-md border border-line bg-raised p-1 shadow-float"
      // The composer keeps the focus.
      onMouseDown={(e) => e.preventDefault()}
    >
      {found.map((p, i) => (
        <div key={p.id} id={`${id}-${i}`} role="option" aria-selected={i === active} className={row(i)} onClick={() => take(i)}>
          <span className="font-medium">{p.title}</span>
          <span className="truncate text-xs text-quiet">{p.text}</span>
        </div>
      ))}
      <div
        id={`${id}-${found.length}`}
        role="option"
        aria-selected={active === found.length}
        className={cx(row(found.length), 'text-quiet')}
        onClick={() => take(found.length)}
      >
        <span className="flex items-center gap-2">
          <Settings2 className="size-4" aria-hidden />
          {t('prompts.manage')}
        </span>
      </div>
    </div>
  );
}
