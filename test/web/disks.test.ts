import ava from 'ava';
import type { Disk } from '../../lib/model/guest.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const disk = (number: number, size: number): Disk => ({
  ...{ bus: 'virtio', device: '', size, image: '', number },
  ...{ volume: `guests/a/disk-${number}`, source: '' },
});

test('adds, grows and removes disks in their tab, and names the data that is lost', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.diskUse': () => ({ disks: [] }),
      'Test.addDisk': ({ guest }) => ({ guest: { ...guest, disks: [disk(0, 1024), disk(2, 10_240)] } }),
      'Test.changeDisk': ({ guest }) => ({ guest: { ...guest, disks: [disk(0, 1024), disk(2, 20_480)] } }),
      'Test.removeDisk': ({ guest }) => ({ guest: { ...guest, disks: [disk(0, 1024)] } }),
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web' }, disks: [disk(0, 1024)] });
  const page = await openPage(t, `${url}/#/guests/${id}/disks`);
  const row = (number: number) =>
    page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: String(number), exact: true }) });
  await row(0).getByText('1 GB').waitFor();

  await page.getByRole('button', { name: 'Add disk' }).click();
  await page.getByLabel('Size').fill('10G');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await row(2).getByText('10 GB').waitFor();

  await row(2).getByRole('button', { name: 'Grow' }).click();
  await page.getByLabel('New size').fill('20G');
  await page.getByRole('dialog').getByRole('button', { name: 'Grow' }).click();
  await row(2).getByText('20 GB').waitFor();

  await row(2).getByRole('button', { name: 'Remove' }).click();
  await page.getByText('Unless you keep it, all data of guests/a/disk-2 (20 GB) is deleted.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await row(2).waitFor({ state: 'detached' });
  t.is(await row(0).count(), 1);
});
