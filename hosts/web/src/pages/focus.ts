/** focusFirst puts the focus on the first field of a form that something is wrong with. */
export function focusFirst(form: HTMLElement | null): void {
  // After the errors are on the page.
  requestAnimationFrame(() => {
    const at = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const input = at?.matches('input,textarea,select,button') ? at : at?.querySelector<HTMLElement>('input,button,textarea,select');
    input?.focus();
  });
}
