import ava, { type ExecutionContext } from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { KeptSnapshots } from '../helpers/kept-snapshots.js';
import { needsInTurn } from '../helpers/needs.js';
import { until } from '../helpers/wait.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const DISK = { bus: 'virtio', device: 'vda', size: 8, volume: '', image: '', source: '' };

const serve = async (t: ExecutionContext) => {
  const snapshots = new KeptSnapshots();
  const api = await serveApi(t, { methods: snapshots.methods });
  const guest = await addGuest(api.context, { metadata: { name: 'web' }, tags: ['shop'], disks: [DISK] });
  return { ...api, snapshots, guest };
};

test('creates a schedule, runs it, shows what it made for each guest, changes and deletes it', async (t) => {
  const { url, context, snapshots, guest } = await serve(t);
  const page = await openPage(t, `${url}/#/schedules`, { expected: /400/ });
  await page.getByText('No schedules yet.').waitFor();
  await page.getByRole('button', { name: 'New schedule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('nightly');
  await dialog.getByLabel(/^When/).fill('0 0 31 2 *');
  await dialog.getByLabel('Daily', { exact: true }).fill('7');
  await dialog.getByLabel(/^Guests/).selectOption('tags');
  await dialog.getByLabel(/^Which/).fill('shop');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('it never fires').waitFor();
  await dialog.getByLabel(/^When/).fill('30 2 * * *');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.like(context.schedules.list(), [{ name: 'nightly', guests: { tags: ['shop'] }, keep: { daily: 7 } }]);

  await page.getByRole('link', { name: 'nightly' }).click();
  const row = rowWith(page, 'web');
  await row.getByText('never').waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await row.getByText('success').waitFor();
  t.is(snapshots.of(guest.id).length, 1);

  await page.getByRole('button', { name: 'Change' }).click();
  await dialog.getByLabel('Daily', { exact: true }).fill('');
  await dialog.getByLabel('Last', { exact: true }).fill('1');
  await dialog.getByLabel(/^Guests/).selectOption('ids');
  await dialog.getByLabel(/^Which/).fill('web');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const [schedule] = context.schedules.list();
  t.deepEqual([schedule?.keep, schedule?.guests], [{ last: 1 }, { ids: [guest.id] }]);
  await page.getByText('1 last').waitFor();

  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No schedules yet.').waitFor();
  t.is(snapshots.of(guest.id).length, 1);
});

test('a failed run is red, with the reason', async (t) => {
  const { url, context, snapshots } = await serve(t);
  snapshots.before = () => {
    throw new Error('the disk is on fire');
  };
  const { id } = await context.schedules.create({ name: 'hourly', guests: { all: true }, cron: '@hourly' });
  const page = await openPage(t, `${url}/#/schedules`);
  await rowWith(page, 'hourly').getByText('not yet').waitFor();
  await context.schedules.run(id);
  await rowWith(page, 'hourly').getByText('1 failed').waitFor();
  await page.getByRole('link', { name: 'hourly' }).click();
  await rowWith(page, 'web')
    .getByRole('cell', { name: /the disk is on fire/ })
    .waitFor();
  t.pass();
});

test('the pages fit a phone', async (t) => {
  const { url, context } = await serve(t);
  const { id } = await context.schedules.create({
    ...{ name: 'a-schedule-with-a-rather-long-name', guests: { tags: ['production', 'shop'] } },
    ...{ cron: '*/15 8-18 * * MON-FRI', keep: { last: 3, hourly: 24, daily: 7, weekly: 4, monthly: 6 } },
  });
  await context.schedules.run(id);
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const page = await openPage(t, `${url}/#/schedules`, phone);
  await page.getByRole('link', { name: 'a-schedule' }).waitFor();
  const overflow = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  t.is(await overflow(), 0);
  await page.getByRole('link', { name: 'a-schedule' }).click();
  await until('it has run', () => context.schedules.get(id).last?.outcome !== 'running');
  await rowWith(page, 'web').waitFor();
  t.is(await overflow(), 0);
  await page.getByRole('button', { name: 'Change' }).click();
  t.is(await overflow(), 0);
});
