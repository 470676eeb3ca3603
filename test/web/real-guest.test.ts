import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import type { Page } from 'playwright-core';
import { buildGuestImage } from '../../scripts/guest-image.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { LINUX_PARTS } from '../helpers/linux-guest.js';
import { needs } from '../helpers/needs.js';
import { startRealAgent } from '../helpers/real-agent.js';
import { until } from '../helpers/wait.js';

const test = needs(BROWSER, ...LINUX_PARTS);
ava.after.always(closeBrowser);

/** Long enough for a machine that is busy with other tests. */
const BOOT_MS = 180_000;

/** The number of lit pixels of the guest's screen, and a checksum of them all. */
const screenOf = (page: Page): Promise<{ lit: number; sum: number }> =>
  page.evaluate(`(() => {
    const canvas = document.querySelector('.console canvas');
    if (!canvas?.width) return { lit: 0, sum: 0 };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let [lit, sum] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      const light = data[at] + data[at + 1] + data[at + 2];
      if (light > 60) lit += 1;
      sum = (sum * 31 + light) % 1000003;
    }
    return { lit, sum };
  })()`);

test('creates a guest, shows it boot and types into its console', async (t) => {
  const { url, dbpath, client } = await startRealAgent(t);
  const source = join(dbpath, 'storage/import/tiny.qcow2');
  await copyFile(await buildGuestImage(), source);
  const page = await openPage(t, `${url}/#/images`);
  page.setDefaultTimeout(BOOT_MS);
  t.timeout(3 * BOOT_MS);

  await page.getByRole('button', { name: 'Fetch image' }).click();
  await page.getByLabel('ID').fill('tiny');
  await page.getByLabel('Source').fill(`file://${source}`);
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await rowWith(page, 'tiny').waitFor();

  await page.keyboard.press('1');
  await page.getByRole('heading', { name: 'Guests' }).waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByLabel('Name').fill('web-1');
  await dialog.getByRole('radio', { name: /^tiny/ }).check();
  await dialog.getByRole('textbox', { name: /^Memory/ }).fill('128M');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('link', { name: 'Screen' }).click();

  const first = await until(
    'the screen shows something',
    async () => {
      const screen = await screenOf(page);
      return screen.lit > 100 ? screen : undefined;
    },
    BOOT_MS,
  );
  await until('the screen changes', async () => (await screenOf(page)).sum !== first.sum, BOOT_MS);

  await page.getByRole('link', { name: 'Serial console' }).click();
  const terminal = page.locator('.xterm-rows');
  await terminal
    .getByText(/mistify-guest: (up|alive)/)
    .first()
    .waitFor();
  await page.locator('.console').click();
  await page.keyboard.type('echo the answer is $((6 * 7))\n');
  await terminal.getByText('the answer is 42').first().waitFor();

  await page.getByRole('link', { name: 'Overview' }).click();
  await page
    .locator('.chart')
    .first()
    .getByText(/^\d+(\.\d)? %$/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('web-1');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This guest does not exist').waitFor();
  t.deepEqual((await client.guests.list()).items, []);
});
