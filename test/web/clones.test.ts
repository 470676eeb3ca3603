import ava from 'ava';
import type { Warm } from '../../lib/model/warm.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { violations } from '../helpers/axe.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const disk = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const WARM: Warm = {
  ...{ id: 'w1', at: '2026-11-30T16:00:00.000Z', ready: { agent: true }, timeout: 300, randomness: 'fresh' },
  ...{ qemu: '7.2.22', accel: 'kvm', cpuModel: 'host', machine: 'pc-q35-7.2', memory: 64, size: 40 },
};

test('makes a guest a template, and clones it', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff', disks: [disk], metadata: { name: 'web' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Make it a template' }).click();
  await page.getByText('web is a template').waitFor();
  await page.getByRole('button', { name: 'Make it a guest again' }).waitFor();
  t.true(await page.getByRole('button', { name: 'Start', exact: true }).isHidden());
  await page.getByRole('button', { name: 'Clone' }).click();
  const dialog = page.getByRole('dialog', { name: 'Clone web' });
  t.true(await dialog.getByLabel('Build on the disks').isChecked());
  await dialog.getByLabel('Name').fill('shop');
  await dialog.getByLabel('Start it afterwards').check();
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await page.getByText(/web cloned/).waitFor();
  t.like(scripted.requests('Test.clone')[0], { change: { source: id, linked: true, tpm: 'fresh' } });
  await page.goto(`${url}/#/guests`);
  await rowWith(page, 'shop').waitFor();
  await rowWith(page, 'web').getByText('template').waitFor();
});

test('warms a template when its console says that it is ready, and cools it', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const template = { state: 'shutoff', template: true, disks: [disk], metadata: { name: 'base' } };
  const { id } = await addGuest(context, template);
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Warm' }).click();
  const dialog = page.getByRole('dialog', { name: 'Warm base' });
  t.true(await dialog.getByLabel('Seconds').isHidden());
  await dialog.getByLabel('It is ready when').selectOption('It prints a text on its serial console');
  t.true(await dialog.getByRole('button', { name: 'Warm' }).isDisabled());
  await dialog.getByRole('textbox', { name: 'Text' }).fill('login:');
  await dialog.getByLabel('same random numbers').check();
  t.deepEqual(await violations(page), []);
  await dialog.getByRole('button', { name: 'Warm' }).click();
  await page.getByText('base is warm').waitFor();
  t.deepEqual(scripted.requests('Test.warm')[0]?.change, {
    ready: { serial: 'login:' },
    randomness: 'shared',
  });
  const { revisions } = context.runtime;
  await revisions.report({ id, state: 'running', vnc: 0, revision: 1 });
  await page.getByText('template (being warmed)').waitFor();
  t.true(await page.getByRole('button', { name: 'Warm' }).isDisabled());
  await revisions.report({ id, state: 'shutoff', vnc: 0, revision: 2, warm: WARM });
  await page.getByText('template (warm)').waitFor();
  await page.getByText(/since 20.*, for QEMU 7\.2\.22 \(kvm\), pc-q35-7\.2, CPU host; 40 MB/).waitFor();
  t.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Cool' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cool' }).click();
  await page.getByText('base is no longer warm').waitFor();
  t.is(scripted.requests('Test.cool').length, 1);
});

test('clones a guest that is no template in full, unless of a snapshot', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'running', disks: [disk], metadata: { name: 'web' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  t.true(await page.getByRole('button', { name: 'Make it a template' }).isHidden());
  await page.getByRole('button', { name: 'Clone' }).click();
  const dialog = page.getByRole('dialog', { name: 'Clone web' });
  t.true(await dialog.getByLabel('Build on the disks').isHidden());
  await dialog.getByRole('button', { name: 'Clone' }).click();
  await page.getByText(/web cloned/).waitFor();
  t.like(scripted.requests('Test.clone')[0], { change: { source: id, linked: false } });
});

test('uploads an image in pieces, and continues after one that was lost', async (t) => {
  const pieces: string[] = [];
  const { url } = await serveApi(t);
  const page = await openPage(t, `${url}/#/images`, { expected: /503|Failed to load/ });
  await page.route('**/images/tiny/upload', (route) =>
    route.fulfill({ json: { id: 'tiny', size: 10, received: 4 } }),
  );
  await page.route('**/images/tiny?*', async (route) => {
    pieces.push(route.request().headers()['content-range'] ?? '');
    if (pieces.length === 1) return route.fulfill({ status: 503, json: { message: 'busy' } });
    return route.fulfill({ status: 202, headers: { 'X-Guest-Job-ID': 'j' }, json: { images: [] } });
  });
  await page.getByRole('button', { name: 'Upload image' }).click();
  const dialog = page.getByRole('dialog', { name: 'Upload image' });
  await dialog
    .getByLabel('File')
    .setInputFiles({ name: 'tiny.img', mimeType: 'application/octet-stream', buffer: Buffer.alloc(10) });
  t.is(await dialog.getByLabel('ID').inputValue(), 'tiny');
  await dialog.getByRole('button', { name: 'Upload' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.deepEqual(pieces, ['bytes 0-9/10', 'bytes 4-9/10']);
});
