import ava from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

test('edits a guest, and says what comes at its next start', async (t) => {
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.update': ({ guest: { id } }) => ({
        guest: { id, cpu: 2, pending: { memory: 1024 } },
        message: 'it gets 1024 MB of memory at its next start',
      }),
    },
  });
  const { id } = await addGuest(context, {
    ...{ memory: 512, cpu: 1, maxCpu: 4, tags: ['test'], metadata: { name: 'web-1' } },
  });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit web-1' });
  await dialog.getByText('At once up to 4, if its operating system goes along').waitFor();
  await dialog.getByText(/At the next start: shut it down/).waitFor();
  await dialog.getByLabel('Name').fill('shop');
  await dialog.getByLabel('Description').fill('The shop');
  await dialog.getByLabel('Tags').fill('production, web');
  await dialog.getByLabel('Memory', { exact: false }).first().fill('1G');
  await dialog.getByLabel('vCPUs').first().fill('2');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('web-1 changed: it gets 1024 MB of memory at its next start').waitFor();
  t.deepEqual(scripted.requests('Test.update')[0]?.change, { memory: 1024, cpu: 2 });
  await page.getByRole('heading', { name: 'shop' }).waitFor();
  await page.getByText('512 MB, 1 GB from the next start on').waitFor();
  await page.getByText('2, can grow to 4').waitFor();
  await page.goto(`${url}/#/guests`);
  await rowWith(page, 'shop').getByText('production, web').waitFor();
  t.like(context.guests.get(id), { description: 'The shop', tags: ['production', 'web'] });
});

test('edits the firmware and the devices of a guest', async (t) => {
  const pending = { machine: { tpm: true }, devices: { video: 'virtio' } } as const;
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.update': ({ guest: { id } }) => ({
        guest: { id, pending: { machine: { firmware: 'uefi', secureBoot: true }, devices: pending.devices } },
      }),
    },
  });
  const { id } = await addGuest(context, { memory: 512, pending, metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByText('a TPM and graphics card virtio').waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit web-1' });
  t.true(await dialog.getByLabel('TPM 2.0').isChecked());
  t.is(await dialog.getByLabel('Graphics card').inputValue(), 'virtio');
  await dialog.getByLabel('Firmware').selectOption('UEFI with Secure Boot');
  await dialog.getByLabel('TPM 2.0').uncheck();
  await dialog.getByLabel('Watchdog').selectOption('Resets the guest');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('UEFI, Secure Boot and graphics card virtio').waitFor();
  t.deepEqual(scripted.requests('Test.update')[0]?.change, {
    machine: { firmware: 'uefi', secureBoot: true, tpm: false },
    devices: { watchdog: 'reset' },
  });
});

test('edits the labels of a container, and shows what the agent refuses', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'taken' } });
  const { id } = await addGuest(context, { type: 'container', metadata: { name: 'box' } });
  const page = await openPage(t, `${url}/#/guests/${id}`, { expected: /409/ });
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit box' });
  await dialog.getByLabel('Name').fill('taken');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'has the name "taken"' }).waitFor();
  await dialog.getByLabel('Name').fill('');
  await dialog.getByLabel('Tags').fill('a');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('box changed').waitFor();
  t.like(context.guests.get(id), { tags: ['a'] });
  t.is(context.guests.get(id).metadata, undefined);
});

test('edits the program, the mounts and the environment of a container', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, {
    ...{ type: 'container', image: 'nginx:1', memory: 64, metadata: { name: 'box' } },
    container: {
      ...{ command: ['sleep', '9'], env: { A: '1', B: '2' }, secretEnv: { KEY: 'hunter2', OLD: 'x' } },
      ports: [{ hostPort: 8080, port: 80 }],
      mounts: [{ type: 'tmpfs', target: '/cache', size: 64, mode: '0700' }],
    },
  });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit box' });
  t.is(await dialog.getByLabel('Command').inputValue(), '["sleep","9"]');
  t.is(await dialog.getByLabel('Ports').inputValue(), '8080:80');
  await dialog.getByLabel('Image', { exact: true }).fill('nginx:2');
  await dialog.getByRole('textbox', { name: /^Environment/ }).fill('A=1\nC=3');
  await dialog.getByRole('textbox', { name: /^Secret environment/ }).fill('KEY=hunter3');
  await dialog.getByLabel('Keep OLD').uncheck();
  await dialog.getByRole('button', { name: 'Add mount' }).click();
  await dialog.getByLabel('Kind of mount').last().selectOption('Path of the host');
  await dialog.getByLabel('Path of the host').last().fill('/srv/shop');
  await dialog.getByLabel('Path in the container').last().fill('/srv');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('box changed').waitFor();
  t.deepEqual(scripted.requests('Test.containerUpdate')[0]?.change, {
    image: 'nginx:2',
    container: {
      env: { B: null, C: '3' },
      secretEnv: { OLD: null, KEY: 'hunter3' },
      mounts: [
        { type: 'tmpfs', target: '/cache', size: 64, mode: '0700' },
        { type: 'bind', source: '/srv/shop', target: '/srv' },
      ],
    },
  });
});
