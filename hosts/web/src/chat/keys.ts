import type { KeyboardEvent } from 'react';

/** Whether a key belongs to an input method that is composing a character (229 is what some say instead). */
export function composing(e: KeyboardEvent): boolean {
  return e.nativeEvent.isComposing || e.keyCode === 229;
}
