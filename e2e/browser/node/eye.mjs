// Looks at pages as people see them: on two screens, in two themes, with axe and
// for a picture of each.

import axe from 'axe-core';
import { calm } from './theatre.mjs';
import { patience } from './until.mjs';

export const screens = { wide: { width: 1440, height: 900 }, phone: { width: 375, height: 812 } };
export const themes = ['light', 'dark'];

/** still waits until nothing moves. */
export async function still(page) {
  await page.evaluate(async (limit) => {
    const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    await document.fonts.ready;
    await drawn(); // what a change sets off has begun by then
    const busy = () => document.getAnimations().filter((a) => a.playState === 'running' && a.effect?.getComputedTiming().iterations !== Infinity);
    for (const end = performance.now() + limit; busy().length > 0;) {
      if (performance.now() > end) throw new Error('it does not come to rest');
      await Promise.race([Promise.allSettled(busy().map((a) => a.finished)), new Promise((r) => setTimeout(r, 100))]);
    }
    await drawn();
  }, patience);
}

/**
 * inspect has axe look at a page as it is, and returns the rules that it breaks.
 * Pages have no frames, so axe is put into one once and stays: to bring it anew for
 * each look, as its own driver does, takes ten times as long as the look.
 */
export async function inspect(theatre, page, name) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(`${axe.source};0`);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run({ rules: { 'target-size': { enabled: true } }, resultTypes: ['violations'] }));
  for (const { id, help, nodes } of violations) {
    for (const node of nodes.slice(0, 3)) theatre.axe.push(`${name}: ${id}: ${help}: ${node.target.join(' ')}: ${node.html.slice(0, 160)}: ${node.failureSummary?.replace(/\s+/g, ' ').slice(0, 300)}`);
  }
  if (passes.length < 5) throw new Error(`axe saw next to nothing at ${name}`);
  theatre.seenByAxe.push(name);
  return violations.map(({ id }) => id);
}

/** Eye looks at pages one after the other and keeps what it saw. */
export class Eye {
  constructor(theatre, shots) {
    Object.assign(this, { theatre, shots, sizes: {} });
  }

  /**
   * look takes pictures of a page, has axe inspect it, and measures it. Within
   * names what is to be pictured on one screen only.
   */
  async look(page, name, { on = Object.keys(screens), ready = async () => {} } = {}) {
    const before = page.viewportSize();
    await page.bringToFront(); // a tab behind another is drawn once a second
    for (const screen of on) {
      await page.setViewportSize(screens[screen]);
      for (const colorScheme of themes) {
        await page.emulateMedia({ colorScheme });
        await ready(screen);
        await calm(page);
        await still(page);
        await page.screenshot({ path: `${this.shots}/${name}-${screen}-${colorScheme}.png`, animations: 'disabled', caret: 'hide' });
        await inspect(this.theatre, page, `${name} ${screen} ${colorScheme}`);
      }
      this.sizes[`${name} ${screen}`] = await page.evaluate(() => ({
        overflow: document.documentElement.scrollWidth > innerWidth,
        font: getComputedStyle(document.body).fontFamily,
      }));
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize(before);
  }
}
