// Every menu, opened, on two screens and in two themes; and how menus are handled.
import { Chat, assert, until } from '../chat.mjs';
import { Eye, inspect, screens, still } from '../eye.mjs';
import { calm } from '../theatre.mjs';

export default async function story({ theatre, cookie, thread, shots }) {
  const eye = new Eye(theatre, shots);
  const person = await theatre.person({ cookie, reducedMotion: 'reduce' });
  const page = await person.tab();
  const chat = new Chat(theatre, page);
  const menu = page.getByRole('menu');
  const actions = page.getByRole('button', { name: /^Actions for/ });
  const drawer = page.getByRole('dialog', { name: 'Navigation' });
  const account = page.getByRole('button', { name: /^Account menu/ });
  const details = page.getByRole('button', { name: 'Details of the answer' });

  const look = async (name, screen, button, what) => {
    await button.click();
    await what.first().waitFor();
    await eye.look(page, name, { on: [screen] });
    await page.keyboard.press('Escape');
    await what.first().waitFor({ state: 'hidden' });
    await until(() => button.evaluate((b) => b === document.activeElement), `${name}: the focus returns to where it came from`);
  };

  for (const screen of Object.keys(screens)) {
    await page.setViewportSize(screens[screen]);
    const wide = screen === 'wide';
    await chat.open(thread);
    await calm(page);
    await look('menu-conversation', screen, page.getByRole('banner').getByRole('button', { name: /^Actions for/ }), menu);
    await look('menu-model', screen, chat.picker, page.getByRole('listbox'));
    await look('menu-answer', screen, details.last(), page.getByRole('dialog', { name: 'Details of the answer' }));
    await chat.box.fill('/');
    await page.getByRole('option', { name: 'Manage saved prompts' }).waitFor();
    await eye.look(page, 'menu-prompts', { on: [screen] });
    await chat.box.fill('');

    if (!wide) await page.getByRole('button', { name: 'Open navigation' }).click();
    await chat.items.first().hover();
    await look('menu-list', screen, chat.items.first().getByRole('button', { name: /^Actions for/ }), menu);
    await look('menu-filter', screen, page.getByRole('button', { name: /^Show:/ }), menu);
    await look('menu-account', screen, account, page.getByRole('dialog', { name: 'Account', exact: true }));
    if (!wide) await drawer.waitFor(); // what closes a menu leaves the drawer open

    for (const path of ['keys', 'members']) {
      await page.goto(`${theatre.site}/${path}`);
      await calm(page);
      await look(`menu-${path}`, screen, page.getByRole('main').locator(actions).first(), menu);
    }
  }

  // By keyboard: arrows, ends and letters go about in it, Tab does not leave it.
  await page.setViewportSize(screens.wide);
  await chat.open(thread);
  await calm(page);
  const button = page.getByRole('banner').getByRole('button', { name: /^Actions for/ });
  const at = () => page.evaluate(() => document.activeElement?.textContent);
  await button.focus();
  await page.keyboard.press('Enter');
  for (const [key, chosen] of [['', 'Rename'], ['ArrowDown', 'Pin'], ['End', 'Delete'], ['Home', 'Rename'], ['Tab', 'Rename'], ['p', 'Pin']]) {
    if (key) await page.keyboard.press(key);
    await until(async () => await at() === chosen, `${key} chooses ${chosen}`);
  }
  await page.keyboard.press('Enter');
  await menu.waitFor({ state: 'hidden' });
  await chat.items.first().getByLabel('Pinned').waitFor();

  // A press beside it closes it and does nothing else.
  await button.click();
  await menu.waitFor();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve))); // it heeds presses from the next turn on
  const { x, y } = await page.getByRole('link', { name: 'API keys' }).boundingBox();
  await page.mouse.click(x + 5, y + 5);
  await menu.waitFor({ state: 'hidden' });
  assert.equal(await chat.thread(), thread);
  await until(() => button.evaluate((b) => b === document.activeElement), 'the focus returns after a press beside it, too');

  // What a menu leads to has the focus: the title's field.
  await button.click();
  await menu.getByRole('menuitem', { name: 'Rename' }).click();
  await until(() => page.evaluate(() => document.activeElement?.matches('header input')), 'the title can be written at once');
  await page.keyboard.press('Escape');

  // And axe would say if something were wrong, in the dark on a phone too.
  await page.setViewportSize(screens.phone);
  await page.emulateMedia({ colorScheme: 'dark' });
  await calm(page);
  await still(page);
  await page.evaluate(() => {
    const wrong = document.createElement('div');
    wrong.innerHTML = '<button id="planted-name"></button><p id="planted-pale">Hardly to be read</p>';
    wrong.lastElementChild.style.color = '#333';
    document.querySelector('main').prepend(wrong);
  });
  const planted = await inspect({ axe: [], seenByAxe: [] }, page, 'planted');
  return { sizes: eye.sizes, planted };
}
