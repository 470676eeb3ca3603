import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { BOOTED_FROM_DISK, installCd } from '../helpers/install-cd.js';
import { needsInTurn } from '../helpers/needs.js';
import { startRealAgent } from '../helpers/real-agent.js';

const test = needsInTurn(BROWSER, 'qemu-system-x86_64', 'qemu-img', 'python3');
ava.after.always(closeBrowser);

/** Long enough for a machine that is busy with other tests. */
const WAIT_MS = 180_000;

test('installs a guest from an ISO image, and ejects the CD, by clicks alone', async (t) => {
  const { url, dbpath, client } = await startRealAgent(t);
  const source = join(dbpath, 'storage/import/netinst.iso');
  await writeFile(source, installCd());
  const page = await openPage(t, `${url}/#/images`);
  page.setDefaultTimeout(WAIT_MS);
  t.timeout(3 * WAIT_MS);

  await page.getByRole('button', { name: 'Fetch image' }).click();
  await page.getByLabel('ID').fill('netinst');
  await page.getByLabel('Source').fill(`file://${source}`);
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await rowWith(page, 'netinst').waitFor();

  await page.keyboard.press('1');
  await page.getByRole('heading', { name: 'Guests' }).waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByLabel('Name').fill('new');
  await dialog.getByRole('radio', { name: /^netinst/ }).check();
  await dialog.getByLabel('Disk size').fill('16');
  await dialog.getByRole('textbox', { name: /^Memory/ }).fill('32');
  await dialog.getByRole('button', { name: 'Create' }).click();

  await page.getByRole('link', { name: 'Serial console' }).click();
  await page.locator('.xterm-rows').getByText(BOOTED_FROM_DISK).first().waitFor();

  await page.getByRole('link', { name: 'Disks' }).click();
  const drive = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'cd0' }) });
  await drive.getByText('netinst').waitFor();
  await drive.getByRole('button', { name: 'Eject' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Eject' }).click();
  await drive.getByText('empty').waitFor();
  const [guest] = (await client.guests.list()).items;
  t.deepEqual(guest?.cdroms, [{ device: 'cd0', image: '' }]);
});
