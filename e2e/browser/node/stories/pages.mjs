// Every page and every dialog, on two screens and in two themes.
import { Chat, until } from '../chat.mjs';
import { Eye } from '../eye.mjs';
import { calm } from '../theatre.mjs';

const answer = `A **black hole** is a region of space where gravity is so strong that nothing, not even light, gets out of it.

## How they form

1. A star of more than about 20 solar masses runs out of fuel.
2. Its core collapses, and the rest is thrown off as a *supernova*.
3. What stays within the Schwarzschild radius is a black hole: $r_s = \\frac{2GM}{c^2}$.

| Kind | Mass | Example |
|---|---:|---|
| Stellar | 5 to 100 suns | Cygnus X-1 |
| Intermediate | 100 to 100,000 suns | HLX-1 |
| Supermassive | millions of suns and more | Sagittarius A* |

\`\`\`python
def schwarzschild(mass_kg: float) -> float:
    """Radius in metres."""
    return 2 * 6.674e-11 * mass_kg / 299_792_458**2
\`\`\`

> For the Sun that would be about three kilometres.

More at [NASA](https://science.nasa.gov/universe/black-holes/), and there is the picture of 2019: ![M87*](https://example.org/m87.jpg)`;

export default async function story({ theatre, cookie, operator, shots, ask }) {
  const eye = new Eye(theatre, shots);
  const person = await theatre.person({ cookie, reducedMotion: 'reduce' });
  const page = await person.tab();
  const go = async (at, path) => {
    await at.goto(theatre.site + path);
    await calm(at);
  };
  const facts = {};

  // Whoever is not signed in.
  const stranger = await theatre.person({ reducedMotion: 'reduce' });
  const outside = await stranger.tab();
  for (const [name, path] of [['sign-in', '/sign-in'], ['request-access', '/request-access'], ['invitation', `/invitation#${'A'.repeat(43)}`]]) {
    await go(outside, path);
    await eye.look(outside, name);
  }

  // Pages of a member who is an administrator.
  for (const [name, path] of [['chat-empty', '/chat'], ['keys', '/keys'], ['sessions', '/sessions'], ['members', '/members'], ['setup', '/setup'], ['not-found', '/nowhere/at-all']]) {
    await go(page, path);
    await eye.look(page, name);
  }

  // Operators.
  const staff = await theatre.person({ cookie: operator, reducedMotion: 'reduce' });
  const desk = await staff.tab();
  await go(desk, '/operator/requests');
  await eye.look(desk, 'operator-requests');

  // The shell's own: palette, help, menus.
  await go(page, '/chat');
  const open = async (name, how, role) => {
    await how();
    await page.getByRole(role).first().waitFor();
    await eye.look(page, name, { on: ['wide'] });
    await page.keyboard.press('Escape');
    await page.getByRole(role).first().waitFor({ state: 'hidden' });
  };
  const writing = () => page.evaluate(() => document.activeElement?.matches('textarea') ?? false);
  await until(writing, 'one can type at once');
  await open('palette', () => page.keyboard.press('Control+k'), 'dialog');
  await page.getByRole('main').first().click({ position: { x: 5, y: 5 } });
  await until(async () => !await writing(), 'a press beside the composer leaves it');
  await open('help', () => page.keyboard.press('?'), 'dialog');
  await open('account-menu', () => page.getByRole('button', { name: /^Account menu/ }).click(), 'dialog');

  // A key is made.
  await go(page, '/keys');
  await page.getByRole('button', { name: /create|new/i }).first().click();
  await page.getByRole('dialog').waitFor();
  await eye.look(page, 'key-create');
  await page.getByRole('dialog').getByRole('textbox').first().fill('Laptop');
  await page.getByRole('dialog').getByRole('button', { name: /create/i }).click();
  await page.getByText(/abk_/).first().waitFor();
  facts.made = true;
  await eye.look(page, 'key-created');
  await page.getByRole('button', { name: 'I have stored it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });

  // A conversation.
  {
    const chat = new Chat(theatre, page);
    await ask('teach', { question: 'What is a black hole?', answer, script: 'in1200-cached200-out340' });
    await ask('teach', { question: 'Why did that fail?', answer: 'x', script: 'err500' });
    await ask('teach', { question: 'And a neutron star?', answer: 'What is left of a lighter star: a sphere of some twenty kilometres, as heavy as the Sun, that turns up to seven hundred times a second.', script: 'gate9' });
    await chat.open();
    await chat.ask('What is a black hole?');
    await chat.says('2019');
    await chat.ended();
    await page.evaluate(() => document.activeElement.blur());
    await eye.look(page, 'chat-full');
    await page.getByTestId('panel-toggle').click();
    await chat.panel.first().waitFor();
    await eye.look(page, 'chat-panel');
    await page.getByTestId('panel-toggle').click();
    await open('model-picker', () => chat.picker.click(), 'listbox');
    await chat.ask('And a neutron star?');
    await ask('admit', { gate: 9, passes: 12 });
    await chat.says('twenty');
    await eye.look(page, 'chat-streaming');
    await ask('admit', { gate: 9, passes: -1 });
    await chat.ended();
    await chat.ask('Why did that fail?');
    await chat.failed.last().waitFor();
    await chat.ended();
    await eye.look(page, 'chat-failed');
    await page.setViewportSize({ width: 375, height: 812 });
    await page.getByRole('button', { name: 'Open navigation' }).click();
    await page.getByRole('dialog', { name: 'Navigation' }).waitFor();
    await eye.look(page, 'drawer', { on: ['phone'] });
    await page.setViewportSize({ width: 1440, height: 900 });
  }

  return { ...facts, sizes: eye.sizes };
}
