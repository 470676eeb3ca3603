import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import ava from 'ava';
import type { Backup } from '../../lib/model/backup.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';
import { BACKED_UP } from '../helpers/scripted.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

test('backs a guest up, and downloads, verifies, restores and deletes the backup', async (t) => {
  let backups: Backup[] = [];
  const all = () => ({ backup: backups[0], backups, record: { id: BACKED_UP, disks: [disk] }, files: [] });
  const api = await serveApi(t, {
    methods: {
      'Test.listBackups': all,
      'Test.getBackup': all,
      'Test.createBackup': ({ backup = '' }) => {
        backups = [
          {
            ...{ id: backup, guest: BACKED_UP, name: 'web', host: 'h', created: new Date().toISOString() },
            ...{ consistency: 'crash', size: 8_388_608, read: 4096, stored: 2048 },
            disks: [{ disk: '0', size: 8_388_608 }],
          },
        ];
        return all();
      },
      'Test.verifyBackup': () => {
        backups = backups.map((each) => ({
          ...each,
          verified: { at: new Date().toISOString(), ok: true },
        }));
        return all();
      },
      'Test.deleteBackup': () => {
        backups = [];
        return {};
      },
    },
  });
  await addGuest(api.context, {
    id: BACKED_UP,
    state: 'shutoff',
    metadata: { name: 'web' },
    disks: [disk],
  });
  const page = await openPage(t, `${api.url}/#/guests/${BACKED_UP}/backups`);
  await page.getByText('No backups yet.').waitFor();
  await page.getByText('Last good backup: none').waitFor();

  await page.getByRole('button', { name: 'Back up now' }).click();
  const row = page.getByRole('row').filter({ hasText: '4 KB read, 2 KB stored' });
  await row.getByRole('cell', { name: 'not verified yet' }).waitFor();

  const started = page.waitForEvent('download');
  await row.getByRole('button', { name: 'Download' }).click();
  const file = await started;
  t.regex(file.suggestedFilename(), /^web-disk-0-[0-9a-f]{8}\.raw$/);
  t.is(await readFile(await file.path(), 'utf8'), 'the bytes of the disk');

  await row.getByRole('button', { name: 'Verify' }).click();
  await row.getByRole('cell', { name: /^verified \d/ }).waitFor();

  await row.getByRole('button', { name: 'Restore' }).click();
  await page.getByLabel('Name').fill('copy');
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText('copy restored.').waitFor();
  t.true(api.context.guests.list().some(({ metadata }) => metadata?.name === 'copy'));

  await row.getByRole('button', { name: 'Restore' }).click();
  await page.getByLabel('As').selectOption('same');
  await page.getByText('Everything that its disks have now is lost.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText('web restored.').waitFor();
  t.is(api.scripted.requests('Test.restoreBackup').length, 1);

  await row.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No backups yet.').waitFor();
});

test('finds the backups of guests that are gone, and makes such a guest again', async (t) => {
  const here = randomUUID();
  const listed = (guest: string, name: string): Backup => ({
    ...{ id: randomUUID(), guest, name, host: 'h2', created: new Date().toISOString(), consistency: 'crash' },
    ...{ size: 8_388_608, read: 4096, stored: 2048, disks: [{ disk: '0', size: 8_388_608 }] },
  });
  const backups = [listed(BACKED_UP, 'old'), listed(here, 'web')];
  const { url, context } = await serveApi(t, { methods: { 'Test.listBackups': () => ({ backups }) } });
  await addGuest(context, { id: here, metadata: { name: 'web' }, disks: [disk] });
  const page = await openPage(t, `${url}/#/backups`);
  const gone = page.getByRole('row').filter({ hasText: 'old not here, of host h2' });
  await gone.waitFor();
  await page.getByRole('link', { name: 'web' }).waitFor();
  await page.getByLabel('Backups to show').selectOption('Of guests that are gone');
  t.is(await page.getByRole('row').count(), 2);
  await gone.getByRole('button', { name: 'Restore' }).click();
  await page.getByLabel('As').selectOption('same');
  await page.getByText('Make sure that it does not still run on another host.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText('old restored.').waitFor();
  t.truthy(context.guests.find(BACKED_UP));
});

test('the page fits a phone, and its link can be seen', async (t) => {
  const { url } = await serveApi(t);
  const page = await openPage(t, `${url}/#/backups`, {
    viewport: { width: 360, height: 740 },
    isMobile: true,
  });
  await page.getByRole('row').nth(1).waitFor();
  t.deepEqual(await page.evaluate('[document.documentElement.scrollWidth, innerWidth]'), [360, 360]);
  const [link, nav] = [page.getByRole('link', { name: 'Backups' }), page.getByRole('navigation')];
  const [inner, outer] = [await link.boundingBox(), await nav.boundingBox()];
  const right = (box: typeof inner): number => (box?.x ?? 0) + (box?.width ?? 0);
  t.true(right(inner) <= right(outer) + 1);
});

test('backs a volume up, and restores the backup under another name', async (t) => {
  const volumes = [{ name: 'shop-data', guests: [] }];
  const { url, scripted } = await serveApi(t, { methods: { 'Test.listVolumes': () => ({ volumes }) } });
  const page = await openPage(t, `${url}/#/volumes`);
  await page.getByRole('button', { name: 'Back up shop-data' }).click();
  await page.getByText('shop-data backed up.').waitFor();
  t.like(scripted.requests('/upload')[0], { volume: 'shop-data' });

  await page.getByRole('button', { name: 'Backups', exact: true }).click();
  const row = page.getByRole('dialog').getByRole('row').filter({ hasText: 'of one moment' });
  await row.getByRole('button', { name: 'Restore' }).click();
  await page.getByLabel('New volume').fill('shop-copy');
  await page.getByRole('dialog').last().getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('shop-copy restored.').waitFor();
  t.like(scripted.requests('/upload')[1], { name: 'shop-copy' });
});
