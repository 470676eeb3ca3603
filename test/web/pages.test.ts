import ava from 'ava';
import type { Page, Route } from 'playwright-core';
import { grantsOfScope } from '../../lib/model/rights.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { makeToken, serveGuarded } from '../helpers/guarded.js';
import { needs } from '../helpers/needs.js';
import { startWithTestService } from '../helpers/program.js';
import { serveStreams, UBUNTU } from '../helpers/simplestreams.js';
import { gate } from '../helpers/wait.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

const PLACES = ['guests', 'images', 'jobs', 'backups', 'volumes', 'host', 'activity'];
const TABS = ['overview', 'disks', 'nics', 'snapshots', 'jobs', 'metadata', 'serial'];

const widths = (page: Page): Promise<[number, number]> =>
  page.evaluate('[document.documentElement.scrollWidth, innerWidth]');

test('fits every page and dialog on a phone', async (t) => {
  const { url, context } = await serveApi(t);
  const name = 'a-guest-with-a-rather-long-name.example.org';
  const { id } = await addGuest(context, { metadata: { name } });
  const page = await openPage(t, url, {
    viewport: { width: 360, height: 740 },
    isMobile: true,
    hasTouch: true,
  });
  await rowWith(page, name).getByText('running').waitFor();
  for (const place of [...PLACES, ...TABS.map((tab) => `guests/${id}/${tab}`)]) {
    await page.goto(`${url}/#/${place}`);
    await page.locator('main h1').waitFor();
    const [content, width] = await widths(page);
    t.true(content <= width, `${place} is ${content} wide`);
  }
  await page.goto(`${url}/#/guests`);
  await page.getByRole('button', { name: 'New guest' }).click();
  const box = await page.getByRole('dialog').boundingBox();
  t.true((box?.x ?? -1) >= 0 && (box?.width ?? 999) <= 360);
});

const background = (page: Page): Promise<string> =>
  page.evaluate('getComputedStyle(document.body).backgroundColor');

test('follows the dark or light scheme of the system', async (t) => {
  const { url } = await serveApi(t);
  const brightness = async (colorScheme: 'dark' | 'light'): Promise<number> => {
    const page = await openPage(t, url, { colorScheme });
    const [red] = /\d+/.exec(await background(page)) ?? [];
    return Number(red);
  };
  t.true((await brightness('dark')) < 60);
  t.true((await brightness('light')) > 200);
});

test('reports an unknown address and keeps working', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/%zz`);
  const heading = page.getByRole('heading', { name: 'Page not found' });
  for (const [place, text] of [
    ['%zz', 'Nothing exists at this address'],
    ['guests/web-1', '“web-1” is not a guest ID'],
  ] as const) {
    await page.goto(`${url}/#/${place}`);
    await heading.waitFor();
    await page.getByText(text).waitFor();
  }
  await page.getByRole('link', { name: 'All guests' }).click();
  await rowWith(page, 'web-1').waitFor();
  t.pass();
});

test('signs in with a token and out again', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  await addGuest(api.context, { metadata: { name: 'web-1' } });
  const token = await makeToken(dbpath, 'me', 'read');
  const page = await openPage(t, api.url, { expected: /401 \(Unauthorized\)|403 \(Forbidden\)/ });
  const dialog = page.getByRole('dialog', { name: 'Sign in' });
  await dialog.getByLabel('Token').fill('пароль');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByText('This is not a token').waitFor();
  await dialog.getByLabel('Token').fill('wrong');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByText('unknown, revoked or expired').last().waitFor();
  await dialog.getByLabel('Token').fill(token);
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await rowWith(page, 'web-1').waitFor();

  await page.reload();
  await rowWith(page, 'web-1').click();
  await page.getByText('Read-only', { exact: true }).waitFor();
  t.false(await page.getByRole('button', { name: 'Shut down' }).isVisible());
  await page.setViewportSize({ width: 360, height: 740 });
  t.true(await page.getByText('Read-only', { exact: true }).isVisible());

  await page.getByRole('button', { name: 'Sign out' }).click();
  await dialog.waitFor();
  t.is(await page.evaluate('localStorage.length + sessionStorage.length'), 0);
});

test('remembers a token on the device only on request', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const token = await makeToken(dbpath, 'me', 'read');
  const page = await openPage(t, api.url, { expected: /401 \(Unauthorized\)/ });
  await page.getByLabel('Token').fill(token);
  await page.getByLabel('Remember').check();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('No guests yet').waitFor();
  const other = await page.context().newPage();
  await other.goto(api.url);
  await other.getByText('No guests yet').waitFor();
  t.is(await other.evaluate("localStorage.getItem('mistify.token')"), token);
});

test('reports an unreachable agent and recovers when it is back', async (t) => {
  const agent = await startWithTestService(t);
  const page = await openPage(t, agent.url, { expected: /ERR_|WebSocket|reset/ });
  await page.getByText('No guests yet').waitFor();
  await agent.end('SIGTERM');
  await page.getByRole('alert').getByText('The agent cannot be reached').waitFor();
  await agent.start();
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  await agent.client.guests.create({ memory: 64, metadata: { name: 'web-1' } }, { wait: 30 });
  await rowWith(page, 'web-1').getByText('running').waitFor();
  t.pass();
});

const refuse = (route: Route): Promise<void> =>
  route.fulfill({ status: 503, json: { message: 'the agent is busy' } });

test('retries lists that could not be read and reports it until then', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url, { expected: /503 \(Service Unavailable\)/ });
  await page.getByText('No guests yet').waitFor();
  await addGuest(context, { metadata: { name: 'web-1' } });
  await page.route(/\/jobs\?limit=/, refuse);
  await page.route(/\/guests\?limit=/, refuse);
  await page.reload();
  await page.getByRole('alert').getByText('The agent is busy.').waitFor();
  await page.unroute(/\/guests\?limit=/);
  await rowWith(page, 'web-1').waitFor();
  t.true(await page.getByRole('alert').isVisible(), 'the jobs are still missing');
  await page.unroute(/\/jobs\?limit=/);
  await page.getByRole('alert').waitFor({ state: 'hidden' });
});

test('reads the lists once a new token is entered', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url, { expected: /401 \(Unauthorized\)/ });
  await page.getByText('No guests yet').waitFor();
  await addGuest(context, { metadata: { name: 'web-1' } });
  await page.route(
    /\/guests\?limit=500/,
    (route) => route.fulfill({ status: 401, json: { message: 'token expired' } }),
    { times: 1 },
  );
  await page.reload();
  await page.getByLabel('Token').fill('another');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await rowWith(page, 'web-1').waitFor();
  t.pass();
});

test('reads missed changes even if the connection breaks before they are read', async (t) => {
  const { url, context } = await serveApi(t);
  const page = await openPage(t, url, { expected: /503 \(Service Unavailable\)/ });
  await page.getByText('No guests yet').waitFor();
  const { opened, open } = gate();
  t.teardown(open);
  const missed = `event: missed\ndata: {}\n\nid: ${Number.MAX_SAFE_INTEGER}\nevent: service\ndata: {"kind": "service", "change": "up", "id": "test"}\n\n`;
  const streams: (string | undefined)[] = [];
  await page.route(/\/events$/, async (route) => {
    streams.push(route.request().headers()['last-event-id']);
    if (streams.length === 1)
      return route.fulfill({ headers: { 'content-type': 'text/event-stream' }, body: missed });
    await opened;
    return route.continue();
  });
  let reads = 0;
  await page.route(/\/guests\?limit=500/, async (route) => {
    reads += 1;
    if (reads !== 2) return route.continue();
    await addGuest(context, { metadata: { name: 'web-1' } });
    await refuse(route);
    open();
  });
  await page.reload();
  await rowWith(page, 'web-1').waitFor();
  await page.getByRole('alert').waitFor({ state: 'hidden' });
  t.deepEqual(streams, [undefined, String(Number.MAX_SAFE_INTEGER)]);
});

test('fetches images with progress and deletes them after confirmation', async (t) => {
  const images = new Map([['debian-12', { id: 'debian-12', type: 'kvm', size: 2048 }]]);
  const { opened, open } = gate();
  t.teardown(open);
  const { url } = await serveApi(t, {
    methods: {
      'Test.listImages': () => ({ images: [...images.values()] }),
      'Test.containerListImages': () => ({ images: [] }),
      'Test.fetchImage': async ({ id }, { progress }) => {
        progress('fetching: 37%', 37);
        await opened;
        images.set(id, { id, type: 'kvm', size: 48 });
        return { images: [] };
      },
      'Test.deleteImage': ({ id }) => {
        images.delete(id);
        return { images: [] };
      },
    },
  });
  const page = await openPage(t, `${url}/#/images`);
  await rowWith(page, 'debian-12').getByText('2 GB').waitFor();
  await page.keyboard.press('n');
  await page.getByLabel('ID').fill('tiny');
  await page.getByLabel('Source').fill('http://192.0.2.1/tiny.qcow2');
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await page.getByText('Fetch image 37 %').waitFor();
  open();
  await rowWith(page, 'tiny').getByText('48 MB').waitFor();
  await rowWith(page, 'tiny').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await rowWith(page, 'tiny').waitFor({ state: 'detached' });
  t.true(images.has('debian-12'));
});

test('fetches an image of the catalogue with its sum, and says which source cannot be read', async (t) => {
  const { url: server } = await serveStreams(t, UBUNTU);
  const catalogue = new Map([
    ['ubuntu', { simplestreams: server }],
    ['off', { simplestreams: 'http://127.0.0.1:1' }],
  ]);
  const { url, scripted } = await serveApi(t, { catalogue });
  const page = await openPage(t, `${url}/#/images`);
  await page.keyboard.press('n');
  await page.getByText(/^\d images? for this host, each with its sum\. off cannot be read/).waitFor();
  await page.getByLabel('From the catalogue').fill('ubuntu-24.04');
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.like(scripted.requests('Test.fetchImage')[0], { id: 'ubuntu/24.04', sha256: '1'.repeat(64) });
});

test('creates volumes, names their guests, and deletes them after confirmation', async (t) => {
  const volumes = new Map<string, { name: string; guests: string[]; size?: number }>();
  const { url, context } = await serveApi(t, {
    methods: {
      'Test.listVolumes': () => ({ volumes: [...volumes.values()] }),
      'Test.createVolume': ({ name, size }) => {
        volumes.set(name, { name, guests: [], ...(size ? { size } : {}) });
        return { volumes: [] };
      },
      'Test.deleteVolume': ({ name }) => {
        volumes.delete(name);
        return { volumes: [] };
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  volumes.set('used', { name: 'used', guests: [id] });
  const page = await openPage(t, `${url}/#/volumes`);
  await rowWith(page, 'used').getByText('web-1').waitFor();
  t.true(await rowWith(page, 'used').getByRole('button', { name: 'Delete' }).isDisabled());
  await page.keyboard.press('n');
  await page.getByLabel('Name').fill('shop-data');
  await page.getByLabel('Limit in MB').fill('1024');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await rowWith(page, 'shop-data').getByText('1 GB').waitFor();
  await rowWith(page, 'shop-data').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await rowWith(page, 'shop-data').waitFor({ state: 'detached' });
  t.deepEqual([...volumes.keys()], ['used']);
});

test('cancels a running job from the list', async (t) => {
  const { url, context, call } = await serveApi(t, {
    methods: { 'Test.suspend': () => new Promise(() => {}) },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  await call('POST', `/guests/${id}/suspend`);
  const page = await openPage(t, `${url}/#/jobs`);
  await rowWith(page, 'Suspend').getByRole('button', { name: 'Cancel' }).click();
  await rowWith(page, 'Suspend').getByText('Error').waitFor();
  t.is(context.jobs.list()[0]?.Status, 'Error');
});

test('shows the host: its load, what is wrong and what to do, and which parts work', async (t) => {
  const { url, context } = await serveApi(t, { services: { storage: { port: 1 } } });
  await addGuest(context, { state: 'crashed' });
  const page = await openPage(t, `${url}/#/host`);
  await rowWith(page, 'Storage').getByText('down', { exact: true }).waitFor();
  await page
    .getByRole('row', { name: /^Virtual machines, containers/ })
    .getByText('works')
    .waitFor();
  await page.getByRole('list', { name: 'What is wrong' }).getByText('1 guest crashed').waitFor();
  await rowWith(page, 'Linux').waitFor();
  await page.getByRole('meter', { name: 'Use of memory' }).waitFor();
  await page.getByRole('link', { name: '1 crashed' }).click();
  await page.waitForURL(/#\/guests\?state=crashed$/);
  t.pass();
});

test('lists the networks of the host, and says why a guest may not use one, on a phone too', async (t) => {
  const reason =
    "network host is the host's own, where a container reaches all that only the host may reach (mistify-container allows it with --allow-network-driver host)";
  const networks = [
    { name: 'br0', kind: 'bridge', guests: ['vm', 'container'], subnets: ['192.0.2.0/24'], usable: true },
    {
      ...{ name: 'host', kind: 'engine', driver: 'host', guests: ['container'] },
      ...{ subnets: [], usable: false, reason },
    },
  ];
  const problems = ['Open vSwitch bridges are unknown: it hangs'];
  const { url } = await serveApi(t, { methods: { 'Test.networks': () => ({ networks, problems }) } });
  const page = await openPage(t, `${url}/#/host`);
  await rowWith(page, 'br0').getByText('192.0.2.0/24').waitFor();
  await rowWith(page, 'engine (host)').getByText(`no: ${reason}`).waitFor();
  await page.getByText('Open vSwitch bridges are unknown').waitFor();
  await page.setViewportSize({ width: 360, height: 740 });
  const [content, width] = await widths(page);
  t.true(content <= width, `the page is ${content} wide`);
});

test('shows no networks where the config lacks the action', async (t) => {
  const { url } = await serveApi(t, { actions: { networks: undefined } });
  const page = await openPage(t, `${url}/#/host`);
  await rowWith(page, 'Linux').waitFor();
  t.is(await page.getByRole('heading', { name: 'Networks' }).count(), 0);
});

test('says in the banner why a sub-agent cannot be started', async (t) => {
  const command = [process.execPath, '-e', "console.error('the pool is gone'); process.exit(1)"];
  const { url } = await serveApi(t, { services: { storage: { port: 1, command } } });
  const page = await openPage(t, url);
  const text = 'The sub-agent for storage does not respond: it exited with code 1: the pool is gone.';
  await page.locator('#banner').getByText(text).waitFor();
  await page.goto(`${url}/#/host`);
  await rowWith(page, 'Storage').getByText('it exited with code 1: the pool is gone').waitFor();
  t.pass();
});

test('asks for no token where only certificates identify clients', async (t) => {
  const certificates = new Map([['ops.example', grantsOfScope('admin')]]);
  const { url } = await serveApi(t, {}, undefined, { access: { tokens: undefined, certificates } });
  const page = await openPage(t, url, { expected: /403 \(Forbidden\)/ });
  await page.locator('#banner').getByText('Credentials required: present a client certificate.').waitFor();
  t.is(await page.getByRole('dialog').count(), 0);
});

test('offers no change on any page to a token of scope read', async (t) => {
  const { api, dbpath } = await serveGuarded(t, {
    methods: {
      'Test.listSnapshots': ({ id }) => ({ snapshots: [{ id: `${id}/disk-vda@monday`, size: 8 }] }),
    },
  });
  const { id } = await addGuest(api.context, { metadata: { name: 'web-1' } });
  const token = await makeToken(dbpath, 'me', 'read');
  const page = await openPage(t, api.url, { expected: /401 \(Unauthorized\)/ });
  await page.getByRole('dialog').getByLabel('Token').fill(token);
  await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Read-only', { exact: true }).waitFor();
  for (const [place, button] of [
    ['guests', 'New guest'],
    ['images', 'Fetch image'],
    ['volumes', 'New volume'],
    [`guests/${id}/overview`, 'Power off'],
    [`guests/${id}/snapshots`, 'Roll back'],
    [`guests/${id}/snapshots`, 'Download'],
    [`guests/${id}/metadata`, 'Remove name'],
  ] as const) {
    await page.goto(`${api.url}/#/${place}`);
    await page
      .getByRole('button', { name: button, includeHidden: true })
      .first()
      .waitFor({ state: 'attached' });
    t.false(await page.getByRole('button', { name: button }).isVisible(), place);
  }
});

test('skips to the content of the page', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web-1' } });
  const page = await openPage(t, `${url}/#/guests`);
  await rowWith(page, 'web-1').waitFor();
  await page.getByRole('link', { name: 'Skip to content' }).focus();
  await page.keyboard.press('Enter');
  t.is(await page.evaluate('document.activeElement.id'), 'main');
  t.true(await rowWith(page, 'web-1').isVisible());
});
