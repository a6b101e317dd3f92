// Patience: what a page, or the server behind it, does a moment later is waited
// for, and never read once and taken as it is.

/** As long as a machine may take that has much else to do. */
export const patience = 30_000;

/** until calls check until it returns something that counts as true, and returns that. */
export async function until(check, what, limit = patience) {
  const deadline = Date.now() + limit;
  for (let last; ;) {
    try {
      const found = await check();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** glimpse does something, and waits until a text was to be seen that does not stay. */
export async function glimpse(page, text, act) {
  // In the page: who asks from outside may come when it is gone.
  const seen = page.waitForFunction((words) => {
    const found = document.evaluate('//*[text()]', document.body, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    for (let i = 0; i < found.snapshotLength; i++) {
      const at = found.snapshotItem(i);
      if (at.textContent.trim() === words && at.checkVisibility()) return true;
    }
    return false;
  }, text, { polling: 'raf' });
  await Promise.all([seen, act()]);
}
