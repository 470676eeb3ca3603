import ava from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needs } from '../helpers/needs.js';
import { until } from '../helpers/wait.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

test('shows what a guest does after a boot and a failure, and changes it', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, url);
  await rowWith(page, 'web-1').click();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'After a boot or a failure' });
  await dialog.getByLabel('After a boot of the host').selectOption('last');
  await dialog.getByLabel('After a failure').selectOption('on-failure');
  await dialog.getByLabel('Start order').fill('10');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('starts if it was on before, order 10').waitFor();
  await page.getByText('starts again').first().waitFor();
  const { autostart, restart, intent } = context.guests.get(id);
  t.deepEqual(
    { autostart, restart, intent },
    { autostart: { policy: 'last', order: 10 }, restart: { policy: 'on-failure' }, intent: { power: 'on' } },
  );
});

test('removes what a field no longer has, and keeps what has no field', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, {
    metadata: { name: 'web-1' },
    autostart: { policy: 'last', order: 10, delay: 5, shutdownTimeout: 90, hostDown: 'save' },
  });
  const page = await openPage(t, url);
  await rowWith(page, 'web-1').click();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'After a boot or a failure' });
  await dialog.getByLabel('Start order').fill('');
  await dialog.getByLabel('When the host goes down').selectOption('');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('starts if it was on before, delay 5 s').waitFor();
  t.deepEqual(context.guests.get(id).autostart, { policy: 'last', delay: 5, shutdownTimeout: 90 });
});

test('creates a guest that starts after a boot, or leaves that to the config', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url);
  const create = async (name: string, policy?: string) => {
    await page.getByRole('button', { name: 'New guest' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'New guest' });
    await dialog.getByLabel('Name', { exact: true }).fill(name);
    await dialog.getByRole('radio', { name: /^kvm-image/ }).check();
    await dialog.getByText('and what it does after a boot').click();
    if (policy) await dialog.getByLabel('After a boot of the host').selectOption(policy);
    await dialog.getByRole('button', { name: 'Create' }).click();
    return until('it is there', () => context.guests.list().find(({ metadata }) => metadata?.name === name));
  };
  t.deepEqual((await create('db-1', 'always')).autostart, { policy: 'always' });
  await page.getByRole('heading', { name: 'db-1' }).waitFor();
  await page.goto(url);
  t.is((await create('db-2')).autostart, undefined);
});
