// Which model a question goes to: that of its conversation, and in a new one that
// which was chosen last in this browser.

import { keep, kept } from '@/app/kept';
import type { Model } from './types';

const key = 'archibot.model';
let inTab: string | undefined; // where the browser keeps nothing

export function lastModel(): string | undefined {
  return kept(key) ?? inTab;
}

export function keepModel(id: string): void {
  inTab = id;
  keep(key, id);
}

/** The model that is wanted, if there still is such a one; else the service's own choice, else the first. */
export function modelFor(models: readonly Model[], wanted: string | undefined): Model | undefined {
  return models.find((m) => m.id === wanted) ?? models.find((m) => m.default) ?? models[0];
}
