/** Short messages at the edge of the page; ui/Toasts shows them. */
import i18next from 'i18next';
import type { ReactNode } from 'react';
import { problemOf } from '@/api/problem';
import { caseText } from '@/app/support';
import { told } from '@/i18n/told';

export interface Toast {
  id: number;
  title: ReactNode;
  description?: ReactNode;
  look?: 'neutral' | 'ok' | 'danger';
  /** One thing to do about it, such as to undo. */
  action?: { label: string; run: () => void };
  /** How long it stands, in milliseconds; longer if something can be done. */
  duration?: number;
}

let shown: readonly Toast[] = [];
let last = 0;
const seers = new Set<() => void>();

function set(next: readonly Toast[]): void {
  shown = next;
  seers.forEach((see) => see());
}

/** Shows a message and returns how to take it away. No more than three stand at once. */
export function toast(message: Omit<Toast, 'id'>): () => void {
  const id = ++last;
  set([...shown, { ...message, id }].slice(-3));
  return () => dismiss(id);
}

export function dismiss(id: number): void {
  if (shown.some((one) => one.id === id)) set(shown.filter((one) => one.id !== id));
}

export const toasts = {
  see(seer: () => void): () => void {
    seers.add(seer);
    return () => seers.delete(seer);
  },
  shown: () => shown,
};

/** Says that something failed, with the problem's words; it can be copied for support. */
export function toastProblem(title: string, error: unknown): void {
  const problem = problemOf(error);
  const { sentence, next } = told('problems', problem.code, problem.detail, problem.next_step);
  toast({
    title,
    description: [problem.code === 'unreachable' ? i18next.t('problem.unreachable') : sentence, next, problem.request_id].filter(Boolean).join(' '),
    look: 'danger',
    duration: 10_000,
    action: { label: i18next.t('ui.copy'), run: () => void navigator.clipboard.writeText(caseText(problem)) },
  });
}
