import { randomUUID } from 'node:crypto';
import ava from 'ava';
import { parse } from 'yaml';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';
import { IN_GUEST, METRICS } from '../helpers/scripted.js';
import { gate, until } from '../helpers/wait.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmF me@laptop';

test('lists each guest with its state and follows its changes', async (t) => {
  const { url, context, call } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web-1' }, memory: 512 });
  const page = await openPage(t, url);
  const row = rowWith(page, 'web-1');
  await row.getByText('running').waitFor();
  await row.getByText('512 MB').waitFor();
  await call('POST', `/guests/${id}/shutdown?wait=30`);
  await row.getByText('shutoff').waitFor();
  await addGuest(context, { metadata: { name: 'web-2' } });
  await rowWith(page, 'web-2').waitFor();
  await call('DELETE', `/guests/${id}?wait=30`);
  await row.waitFor({ state: 'detached' });
  t.is(await page.getByRole('status').first().textContent(), '1 of 1 running');
});

test('shows the load of each guest in the list', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({
        guests: context.guests
          .list()
          .map(({ id }) => ({ guest: id, ...METRICS, cpu: [{ cpu_time: Date.now() / 2000, vcpu_time: 0 }] })),
      }),
    },
  });
  await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, url);
  await rowWith(page, 'web-1')
    .getByText(/^(4|5)\d %$/)
    .waitFor();
  t.truthy(await rowWith(page, 'web-1').locator('polyline').first().getAttribute('points'));
});

test('lists the address of each guest, filters by it, and shows all of them on its page', async (t) => {
  const addressOf = new Map<string, string>();
  const { url, context, call } = await serveApi(t, {
    guests: { list_addresses: true },
    methods: {
      'Test.guestAddresses': ({ guest: { id } }) => ({
        guest: { id },
        result: [
          { address: addressOf.get(id), nic: 'net0', source: 'dhcp lease' },
          { address: 'fe80::1', nic: 'net0', source: 'neighbour' },
        ],
      }),
    },
  });
  for (const [name, address] of [
    ['a', '192.0.2.10'],
    ['b', '192.0.2.9'],
  ] as const) {
    const id = randomUUID();
    addressOf.set(id, address);
    await addGuest(context, { id, metadata: { name } });
    await call('GET', `/guests/${id}/addresses`);
  }
  const page = await openPage(t, url);
  await rowWith(page, 'a').getByText('192.0.2.10').waitFor();
  await rowWith(page, 'b').getByText('192.0.2.9').waitFor();
  await page.getByRole('button', { name: 'Address' }).click();
  t.deepEqual(await page.locator('tbody a').allTextContents(), ['b', 'a']);
  await page.keyboard.press('/');
  await page.keyboard.type('2.10');
  await rowWith(page, 'b').waitFor({ state: 'detached' });
  await rowWith(page, 'a').click();
  await page.getByText('192.0.2.10 on net0 (dhcp lease)').waitFor();
  await page.getByText('fe80::1 on net0 (neighbour)').waitFor();
});

test('shows what the agent in a guest says, and how to get one', async (t) => {
  let hasAgent = false;
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.agentInfo': ({ guest }) => {
        const none = { responds: false, reason: 'guest web has no guest agent: install qemu-guest-agent' };
        return { guest: { id: guest.id }, result: hasAgent ? IN_GUEST.agentInfo : none };
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web' }, state: 'running' });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  const section = page.getByRole('region', { name: 'Guest agent' });
  await section.getByText('install qemu-guest-agent').waitFor();
  hasAgent = true;
  await section.getByRole('button', { name: 'Refresh' }).click();
  await section.getByText('192.0.2.7/24 on eth0, NIC 0').waitFor();
  await section.getByText('Debian GNU/Linux 12 (bookworm)').waitFor();
  await section.getByText('250 MB of 1000 MB (25 %)').waitFor();
  t.is(await section.getByRole('meter', { name: 'Use of /' }).getAttribute('value'), '0.25');
  t.true(await section.getByText('install qemu-guest-agent').isHidden());
});

test('filters for guests that match every word', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['web-1', 'web-2', 'db-1']) await addGuest(context, { metadata: { name } });
  await addGuest(context, { metadata: { name: 'web-3' }, state: 'shutoff' });
  const page = await openPage(t, url);
  await rowWith(page, 'db-1').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('web running');
  await rowWith(page, 'db-1').waitFor({ state: 'detached' });
  t.deepEqual(await page.locator('tbody a').allTextContents(), ['web-1', 'web-2']);
  await page.getByText('2 of 4 shown').waitFor();
});

test('moves through the list, into a guest and back by keyboard', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['a-1', 'a-2', 'a-10']) await addGuest(context, { metadata: { name } });
  const page = await openPage(t, url);
  await rowWith(page, 'a-10').waitFor();
  for (const key of ['j', 'j', 'ArrowDown', 'k']) await page.keyboard.press(key);
  t.regex((await page.getByRole('row', { selected: true }).textContent()) ?? '', /^a-2/);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'a-2' }).waitFor();
  await page.keyboard.press(']');
  await page.waitForURL(/\/screen$/);
  await page.keyboard.press('Shift+F6');
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Guests' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.pass();
});

test('renders only the visible rows of a thousand guests', async (t) => {
  const { url, context } = await serveApi(t);
  for (let n = 0; n < 1000; n += 1) await addGuest(context, { metadata: { name: `guest-${n}` } });
  const page = await openPage(t, url);
  await page.getByText('1,000 of 1,000 running').waitFor();
  t.true((await page.getByRole('row').count()) < 60);
  await page.keyboard.press('End');
  await rowWith(page, 'guest-999').waitFor();
  t.is(await rowWith(page, 'guest-999').getAttribute('aria-rowindex'), '1001');
});

test('creates a guest from the form', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const page = await openPage(t, url);
  await page.getByText('No guests yet').waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByLabel('Name').fill('web-1');
  await dialog.getByRole('radio', { name: /^kvm-image/ }).check();
  await dialog.getByRole('textbox', { name: /^Memory/ }).fill('1G');
  await dialog.getByRole('spinbutton', { name: 'vCPUs' }).fill('2');
  await dialog.getByLabel('Disk size').fill('10G');
  await dialog.getByRole('button', { name: 'Add disk' }).click();
  await dialog.getByLabel('Size of the empty disk').fill('512');
  await dialog.getByRole('button', { name: 'Add NIC' }).click();
  await dialog.getByLabel('Bridge').fill('br0');
  await dialog.getByLabel('Static address').fill('192.0.2.10/24');
  await dialog.getByLabel('Gateway').fill('192.0.2.1');
  await dialog.getByLabel('VLAN').fill('10, 20');
  await dialog.getByLabel('SSH keys').fill(KEY);
  await dialog.getByLabel('Insert a snippet').selectOption('Install packages');
  await until('the snippet is there', async () =>
    /curl/.test(await dialog.getByRole('textbox', { name: /^User-data/ }).inputValue()),
  );
  await dialog.getByLabel('Tags').fill('web, shop');
  await dialog.getByText('The same without this form').click();
  const line = dialog.locator('pre').first();
  await line.getByText('--nic br0,address=192.0.2.10/24').waitFor();
  await dialog.getByText('Firmware, and what it does').click();
  await dialog.getByLabel('Firmware').selectOption('UEFI with Secure Boot');
  await dialog.getByLabel('TPM 2.0').check();
  const [content, width] = (await page.evaluate(
    "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector('dialog'))",
  )) as [number, number];
  t.true(content <= width, 'the fields overflow the dialog');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'web-1' }).waitFor();
  await page.getByText('running').first().waitFor();
  const [request] = scripted.requests('Test.create');
  t.like(request?.guest, { memory: 1024, cpu: 2, metadata: { name: 'web-1' } });
  t.like(request?.guest.disks, [{ size: 10_240, image: 'kvm-image' }, { size: 512 }]);
  t.like(request?.guest.nics, [
    { network: 'br0', vlans: [10, 20], address: '192.0.2.10/24', gateway: '192.0.2.1' },
  ]);
  t.deepEqual(request?.guest.machine, { firmware: 'uefi', secureBoot: true, tpm: true });
  t.deepEqual(request?.guest.tags, ['web', 'shop']);
  t.deepEqual(parse(request?.guest.metadata?.['user-data'] ?? ''), {
    packages: ['curl', 'htop'],
    ssh_authorized_keys: [KEY],
  });
  t.is(context.guests.list().length, 1);
});

test('creates a guest of a chosen size on a network of the host, and does not start it', async (t) => {
  const { url, scripted } = await serveApi(t, {
    methods: {
      'Test.networks': () => ({
        networks: [
          { name: 'br0', kind: 'bridge', guests: ['vm'], subnets: ['192.0.2.0/24'], usable: true },
          { name: 'br9', kind: 'bridge', guests: ['vm'], subnets: [], usable: false, reason: 'it is down' },
          { name: 'pods', kind: 'engine', guests: ['container'], subnets: [], usable: true },
        ],
        problems: [],
      }),
    },
  });
  const page = await openPage(t, url);
  await page.getByText('No guests yet').waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByRole('radio', { name: /^kvm-image/ }).check();
  await dialog.getByRole('radio', { name: /^Medium/ }).check();
  await dialog.getByRole('button', { name: 'Add NIC' }).click();
  const network = dialog.getByLabel('Network', { exact: true }).last();
  t.deepEqual(await network.locator('option').allTextContents(), [
    'br0 (bridge, 192.0.2.0/24)',
    'br9: it is down',
    'Another one …',
  ]);
  await dialog.getByRole('textbox', { name: /^User-data/ }).fill('#cloud-config\na: b: c\n');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByRole('alert').getByText('line 2 is not valid YAML').waitFor();
  await dialog.getByRole('textbox', { name: /^User-data/ }).fill('');
  await dialog.getByLabel('Do not start it yet').check();
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('shutoff').first().waitFor();
  t.is(scripted.requests('Test.create').length, 0);
  const [request] = scripted.requests('Test.define');
  t.like(request?.guest, { memory: 4096, cpu: 2, nics: [{ network: 'br0' }] });
  t.like(request?.guest.disks, [{ size: 40_960, image: 'kvm-image' }]);
});

test('creates a container with its command, user, environment and ports from the form', async (t) => {
  const { url, scripted } = await serveApi(t);
  const page = await openPage(t, url);
  await page.getByText('No guests yet').waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByLabel('Type').selectOption('Container');
  await dialog.getByRole('combobox', { name: 'Container image' }).fill('busybox');
  await dialog.getByRole('spinbutton', { name: 'vCPUs' }).fill('0.5');
  await dialog.getByLabel('Command').fill('sleep 9');
  await dialog.getByRole('textbox', { name: /^User/ }).fill('1:1');
  await dialog.getByRole('textbox', { name: /^Environment/ }).fill('A=1\nB=two = 2');
  await dialog.getByRole('textbox', { name: /^Secret environment/ }).fill('KEY=hunter2');
  await dialog.getByLabel('Ports').fill('8080');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('HOST_PORT:PORT').waitFor();
  await dialog.getByLabel('Ports').fill('8080:80, 53:53/udp');
  await dialog.getByRole('button', { name: 'Add mount' }).click();
  await dialog.getByRole('combobox', { name: 'Volume', exact: true }).fill('shop-data');
  await dialog.getByLabel('Path in the container').fill('/data');
  await dialog.getByLabel('Read-only').check();
  await dialog.getByRole('button', { name: 'Add mount' }).click();
  await dialog.getByLabel('Kind of mount').last().selectOption('Memory');
  await dialog.getByLabel('Most memory that it can hold').last().fill('64M');
  await dialog.getByLabel('Path in the container').last().fill('/cache');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await until('the create arrives', () => scripted.requests('Test.containerCreate').length === 1);
  const [request] = scripted.requests('Test.containerCreate');
  t.like(request?.guest, { type: 'container', image: 'busybox', cpu: 0.5 });
  t.deepEqual(request?.guest.container, {
    ...{ command: 'sleep 9', user: '1:1', env: { A: '1', B: 'two = 2' }, secretEnv: { KEY: 'hunter2' } },
    ports: [
      { hostPort: 8080, port: 80 },
      { hostPort: 53, port: 53, protocol: 'udp' },
    ],
    mounts: [
      { type: 'volume', source: 'shop-data', target: '/data', readOnly: true },
      { type: 'tmpfs', target: '/cache', size: 64 },
    ],
  });
});

test('creates a guest with an empty disk, and warns if the host has no images', async (t) => {
  const { url, scripted } = await serveApi(t, {
    methods: {
      'Test.listImages': () => ({ images: [] }),
      'Test.containerListImages': () => ({ images: [] }),
    },
  });
  const page = await openPage(t, url);
  await page.getByText('This host has no images either').waitFor();
  await page.getByRole('button', { name: 'New guest' }).click();
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByText('This host has no images.').waitFor();
  t.is(await dialog.getByLabel('Disk size').inputValue(), '16G');
  await dialog.getByLabel('Disk size').fill('2G');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await until('the create arrives', () => scripted.requests('Test.create').length === 1);
  t.like(scripted.requests('Test.create')[0]?.guest.disks, [{ size: 2048 }]);
});

test('shows why a guest could not be created', async (t) => {
  const { url, call, context } = await serveApi(t, {
    methods: {
      'Test.create': () => {
        throw new Error('the disk is full');
      },
    },
  });
  await call('POST', '/guests?wait=30', { memory: 64 });
  const page = await openPage(t, `${url}/#/guests/${context.guests.list()[0]?.id}`);
  await page.getByText(/^Create: .*the disk is full/).waitFor();
  t.is(await page.getByRole('button', { name: 'Start', exact: true }).count(), 0);
});

test('keeps the order of the list while a guest is open', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['a', 'b']) await addGuest(context, { metadata: { name } });
  const page = await openPage(t, url);
  await page.getByRole('button', { name: 'Name' }).click();
  await rowWith(page, 'b').click();
  await page.getByRole('heading', { name: 'b' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Guests' }).waitFor();
  t.deepEqual(await page.locator('tbody a').allTextContents(), ['b', 'a']);
});

test('shows validation errors in the dialog, at the field', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url, { expected: /400 \(Bad Request\)/ });
  await page.getByText('No guests yet').waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /^Memory/ }).fill('lots');
  await dialog.getByRole('button', { name: 'Create' }).click();
  t.regex((await dialog.getByRole('alert').textContent()) ?? '', /"memory" is not a size/);
  await dialog.getByRole('textbox', { name: /^Memory/ }).fill('512');
  await dialog.getByLabel('Type').selectOption('Container');
  await dialog.getByLabel('Container image').fill('no such image!');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText(/"image id" must/).waitFor();
  t.is(await dialog.getByLabel('Container image').getAttribute('aria-invalid'), 'true');
  t.deepEqual(context.guests.list(), []);
});

test('shuts down at once and powers off after confirmation', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Power off' }).click();
  const dialog = page.getByRole('dialog', { name: 'Power off web-1?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Shut down' }).click();
  await page.getByText('web-1 shut down.').waitFor();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Power off' }).click();
  await dialog.getByRole('button', { name: 'Power off' }).click();
  await page.getByText('shutoff').first().waitFor();
  t.is(scripted.requests('Test.shutdown').length, 1);
  await until('the poweroff arrives', () => scripted.requests('Test.poweroff').length === 1);
});

test('deletes a guest only after its name is typed', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete web-1?' });
  const button = dialog.getByRole('button', { name: 'Delete' });
  t.true(await button.isDisabled());
  await dialog.getByRole('textbox').fill('web-2');
  t.true(await button.isDisabled());
  await dialog.getByRole('textbox').fill('web-1');
  await button.click();
  await page.getByText('This guest does not exist').waitFor();
  t.deepEqual(context.guests.list(), []);
});

test("shows a job's progress and failure", async (t) => {
  const { opened, open } = gate();
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.createSnapshot': async (_request, { progress }) => {
        progress('copying: 42%', 42);
        await opened;
        throw new Error('the disk is full');
      },
    },
  });
  t.teardown(open);
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}/snapshots`);
  await page.getByRole('button', { name: 'New snapshot' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('monday');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Create snapshot 42 %').waitFor();
  await page.getByRole('link', { name: 'Jobs', exact: true }).last().click();
  await page.getByText('copying: 42%').waitFor();
  open();
  await page.getByText(/^Create snapshot “monday” of web-1: .*the disk is full/).waitFor();
  await page.getByText('Error', { exact: true }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Create snapshot' }).getByText('the disk is full').waitFor();
  t.pass();
});

test('creates, rolls back to, downloads and deletes snapshots', async (t) => {
  const guest = randomUUID();
  const names = new Map([['monday', '']]);
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.listSnapshots': () => ({
        snapshots: [...names].map(([name, description]) => ({
          ...{ id: `guests/${guest}/disk-vda@${name}`, size: 8, used: 2, description },
          created: '2026-01-31T12:00:00.000Z',
        })),
      }),
      'Test.createSnapshot': ({ dest, description = '' }) => {
        names.set(dest, description);
        return { snapshots: [] };
      },
      'Test.updateSnapshot': ({ id, description = '' }) => {
        names.set(id.split('@')[1] ?? '', description);
        return { snapshots: [] };
      },
      'Test.deleteSnapshot': ({ id }) => {
        names.delete(id.split('@')[1] ?? '');
        return { snapshots: [] };
      },
    },
  });
  await addGuest(context, { id: guest, state: 'shutoff', metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${guest}/snapshots`);
  await rowWith(page, 'monday').getByText(' ago').last().waitFor();
  await rowWith(page, 'monday').getByText('2 MB').waitFor();
  await page.getByRole('button', { name: 'New snapshot' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('tuesday');
  await page.getByRole('dialog').getByLabel('Description').fill('before the upgrade');
  await page.getByRole('button', { name: 'Create' }).click();
  await rowWith(page, 'tuesday').getByText('before the upgrade').waitFor();
  await rowWith(page, 'tuesday').getByRole('button', { name: 'Describe' }).click();
  await page.getByRole('dialog').getByLabel('Description').fill('after it');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await rowWith(page, 'tuesday').getByText('after it').waitFor();
  await rowWith(page, 'tuesday').getByRole('button', { name: 'Roll back' }).click();
  await page.getByLabel('Also delete newer snapshots').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
  await until('the rollback arrives', () => scripted.requests('Test.rollbackSnapshot').length === 1);
  t.like(scripted.requests('Test.rollbackSnapshot')[0], { destroyMoreRecent: true });
  const saved = page.waitForEvent('download');
  await rowWith(page, 'monday').getByRole('button', { name: 'Download' }).click();
  t.is((await saved).suggestedFilename(), 'web-1-vda-monday.raw');
  await rowWith(page, 'monday').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await rowWith(page, 'monday').waitFor({ state: 'detached' });
});

test('takes a snapshot with memory of a running guest, and rolls back to it', async (t) => {
  const guest = randomUUID();
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.listSnapshots': () => ({
        snapshots: [{ id: `guests/${guest}/disk-0@running`, size: 8, used: 2, memory: 80 }],
      }),
    },
  });
  await addGuest(context, { id: guest, state: 'running', metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${guest}/snapshots`);
  await rowWith(page, 'running').getByText('82 MB').waitFor();
  await rowWith(page, 'running').getByText('with memory').last().waitFor();
  await page.getByRole('button', { name: 'New snapshot' }).click();
  await page
    .getByRole('dialog')
    .getByLabel(/With memory/)
    .check();
  await page.getByRole('button', { name: 'Create' }).click();
  await until('the creation arrives', () => scripted.requests('Test.createCheckpoint').length === 1);
  await rowWith(page, 'running').getByRole('button', { name: 'Roll back' }).click();
  const dialog = page.getByRole('dialog');
  t.true(await dialog.getByRole('button', { name: 'Roll back' }).isDisabled());
  await dialog.getByLabel(/Power it off/).check();
  await dialog.getByLabel(/disks only/).check();
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await until('the rollback arrives', () => scripted.requests('Test.rollbackSnapshot').length === 1);
  t.like(scripted.requests('Test.rollbackSnapshot')[0], { memory: false, poweroff: true });
});

test('shows what the disks of a guest take', async (t) => {
  const disk = {
    bus: 'virtio',
    device: 'vda',
    size: 64,
    volume: 'guests/a/disk-0',
    image: 'tiny',
    source: '',
  };
  const { url, context } = await serveApi(t, {
    methods: { 'Test.diskUse': () => ({ disks: [{ volume: disk.volume, used: 3 }] }) },
  });
  const { id } = await addGuest(context, { disks: [disk] });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByText('vda, 64 MB (3 MB used), from tiny, virtio').waitFor();
  t.pass();
});

test('does not offer to roll back a running guest', async (t) => {
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.listSnapshots': ({ id }) => ({ snapshots: [{ id: `${id}/disk-vda@monday`, size: 8 }] }),
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}/snapshots`);
  await page.getByRole('button', { name: 'Roll back' }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll back to “monday”?' });
  await dialog.getByText('web-1 is running: shut it down first').waitFor();
  t.true(await dialog.getByRole('button', { name: 'Roll back' }).isDisabled());
});

test('sets and removes metadata', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web-1', owner: 'dev' } });
  const page = await openPage(t, `${url}/#/guests/${id}/metadata`);
  await page.getByLabel('Key', { exact: true }).fill('rack');
  await page.getByLabel('Value', { exact: true }).fill('r1');
  await page.getByRole('button', { name: 'Set' }).click();
  await rowWith(page, 'rack').waitFor();
  await page.getByRole('button', { name: 'Remove owner' }).click();
  await rowWith(page, 'owner').waitFor({ state: 'detached' });
  await page.getByLabel('Value of name').fill('web-9');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'web-9' }).waitFor();
  t.deepEqual(context.guests.get(id).metadata, { name: 'web-9', rack: 'r1' });
});

test('keeps the lines of user-data, and rejects a cloud-config that is not YAML', async (t) => {
  const { url, context } = await serveApi(t);
  const userData = '#cloud-config\npackages:\n  - nginx\n';
  const { id } = await addGuest(context, { metadata: { name: 'web-1', 'user-data': userData } });
  const page = await openPage(t, `${url}/#/guests/${id}/metadata`);
  const area = page.getByLabel('Value of user-data');
  t.is(await area.inputValue(), userData);
  await area.fill(`${userData}  - [curl\n`);
  await page.getByLabel('Key', { exact: true }).focus();
  await page.getByText(/user-data was not changed: line 5 is not valid YAML: /).waitFor();
  t.is(context.guests.get(id).metadata?.['user-data'], userData);
  await area.fill(`${userData}  - curl\n`);
  await page.getByLabel('Key', { exact: true }).focus();
  await until('the change is stored', () => context.guests.get(id).metadata?.['user-data']?.includes('curl'));
  t.is(context.guests.get(id).metadata?.['user-data'], `${userData}  - curl\n`);
});

test('says what each disk is, and does not drop one without a size', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url);
  await page.getByText('No guests yet').waitFor();
  await page.keyboard.press('n');
  const dialog = page.getByRole('dialog', { name: 'New guest' });
  await dialog.getByRole('radio', { name: /^kvm-image/ }).check();
  await dialog.getByText('Of the disk that is cloned from the image').waitFor();
  await dialog.getByRole('button', { name: 'Add disk' }).click();
  await dialog.getByRole('button', { name: 'Create' }).click();
  const size = dialog.getByLabel('Size of the empty disk');
  t.true(await size.evaluate((input) => input.matches(':invalid')));
  t.deepEqual(context.guests.list(), []);
  await dialog.getByRole('button', { name: 'Remove disk' }).click();
  t.is(await size.count(), 0);
});

test('offers a guest whose creation failed nothing but its deletion', async (t) => {
  const { url, context } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'error', metadata: { name: 'broken' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  await page.getByRole('button', { name: 'Delete' }).waitFor();
  for (const name of ['Shut down', 'Reboot', 'Suspend', 'Restart', 'Power off'])
    t.true(await page.getByRole('button', { name, exact: true }).isDisabled(), name);
  for (const name of ['Start', 'Edit', 'Export', 'Change'])
    t.is(await page.getByRole('button', { name, exact: true }).count(), 0, name);
});

test('no longer shows the load of a guest that is off', async (t) => {
  let runs = true;
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.allMetrics': () => ({ guests: runs ? [{ guest: id, ...METRICS, memory: 64 * 2 ** 20 }] : [] }),
      'Test.poweroff': ({ guest }) => {
        runs = false;
        return { guest: { ...guest, state: 'shutoff' } };
      },
    },
  });
  const id = randomUUID();
  await addGuest(context, { id, memory: 128, metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  const inUse = page.getByText("64 MB of the host's memory in use");
  await inUse.waitFor();
  await page.getByRole('button', { name: 'Power off' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Power off' }).click();
  await inUse.waitFor({ state: 'detached' });
  t.pass();
});
