/** focusFirst puts the focus on the first field of a form that something is wrong with. */
export function focusFirst(form: HTMLElement | null, frames = 10): void {
  // After the errors are on the page, which may take more than the next frame.
  requestAnimationFrame(() => {
    const at = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
    if (!at && frames > 1) return focusFirst(form, frames - 1);
    const input = at?.matches('input,textarea,select,button') ? at : at?.querySelector<HTMLElement>('input,button,textarea,select');
    input?.focus();
  });
}
