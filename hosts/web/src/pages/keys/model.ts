// A model for the examples: one that this key may use.

import { useQuery } from '@tanstack/react-query';
import { modelsQuery } from '@/api/queries/models';

interface Model {
  id: string;
  default: boolean;
}

/** What stands where no model is known, to be replaced. */
export const anyModel = 'MODEL';

/** chooseModel returns one that the key may use: the default if it may, else the first, else what it is narrowed to. */
export function chooseModel(models: readonly Model[], narrowed: readonly string[]): string {
  const may = (id: string) => narrowed.length === 0 || narrowed.some((n) => (n.endsWith('*') ? id.startsWith(n.slice(0, -1)) : id === n));
  const allowed = models.filter((m) => may(m.id));
  return (allowed.find((m) => m.default) ?? allowed[0])?.id ?? narrowed.find((n) => !n.endsWith('*')) ?? anyModel;
}

/** useModel is chooseModel on what the service offers. Examples do not wait for it. */
export function useModel(narrowed: readonly string[]): string {
  const models = useQuery({ ...modelsQuery, retry: false });
  return chooseModel(models.data ?? [], narrowed);
}
