/** Whether the session of this page is over. Who signs in anew gets a new page. */
let over = false;

export const isOver = () => over;

export function setOver(): void {
  over = true;
}
