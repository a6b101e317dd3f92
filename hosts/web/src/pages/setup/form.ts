// The form of the setup and the request that it becomes.

export const notifications = ['all', 'essential'] as const;
export const files = ['none', 'metadata', 'content'] as const;
export type Notifications = (typeof notifications)[number];
export type Files = (typeof files)[number];

/** The longest intended use, in characters. */
export const maxUse = 2000;

export interface SetupForm {
  use: string;
  /** Empty while it is not settled; so is files. */
  notifications: Notifications | '';
  files: Files | '';
}

export type SetupFault = 'form.useLong' | 'form.choose';
export type SetupFaults = Partial<Record<keyof SetupForm, SetupFault>>;

export interface SetupDraft {
  intended_use: string;
  notifications: Notifications;
  files: Files;
}

/** length counts characters as people and the server do. */
export function length(text: string): number {
  return [...text.trim()].length;
}

/** toSetup returns the request, or what is wrong with the form. */
export function toSetup(form: SetupForm): { draft: SetupDraft } | { faults: SetupFaults } {
  const { notifications: told, files: posture } = form;
  const faults: SetupFaults = {};
  if (length(form.use) > maxUse) faults.use = 'form.useLong';
  if (told === '') faults.notifications = 'form.choose';
  if (posture === '') faults.files = 'form.choose';
  if (told === '' || posture === '' || faults.use) return { faults };
  return { draft: { intended_use: form.use.trim(), notifications: told, files: posture } };
}
