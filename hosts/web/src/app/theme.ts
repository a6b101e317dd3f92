/** Light or dark: as chosen, else as the system says. index.html sets it before the first paint by the same rule. */
import { useSyncExternalStore } from 'react';
import { keep, kept } from './kept';

export type Theme = 'light' | 'dark' | 'system';

const key = 'archibot.theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');
const seers = new Set<() => void>();

function chosen(): Theme {
  const value = kept(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}

function apply(): void {
  const theme = chosen();
  const dark = theme === 'system' ? system.matches : theme === 'dark';
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}

/** Keeps the page right when the system or another tab changes. */
export function begin(): void {
  const changed = () => {
    apply();
    seers.forEach((see) => see());
  };
  system.addEventListener('change', changed);
  window.addEventListener('storage', (event) => {
    if (event.key === key || event.key === null) changed();
  });
  apply();
}

export function setTheme(theme: Theme): void {
  keep(key, theme === 'system' ? null : theme);
  apply();
  seers.forEach((see) => see());
}

export function useTheme(): Theme {
  return useSyncExternalStore((see) => {
    seers.add(see);
    return () => seers.delete(see);
  }, chosen);
}
