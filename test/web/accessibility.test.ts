import ava, { type ExecutionContext } from 'ava';
import { addGuest } from '../helpers/agent.js';
import { type Api, serveApi } from '../helpers/api.js';
import { violations } from '../helpers/axe.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needs } from '../helpers/needs.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

/** Adds guests in several states, jobs of a guest, of an image and of a deleted guest, and snapshots. */
const serveFull = async (t: ExecutionContext): Promise<{ api: Api; id: string; schedule: string }> => {
  const api = await serveApi(t, {
    methods: {
      'Test.listSnapshots': ({ id }) => ({ snapshots: [{ id: `${id}/disk-vda@monday`, size: 8, used: 1 }] }),
    },
  });
  const { id } = await addGuest(api.context, {
    metadata: { name: 'web-1', 'user-data': '#cloud-config\npackages: [nginx]\n' },
    disks: [{ bus: 'virtio', device: 'vda', size: 64, volume: 'v', image: 'tiny', source: '' }],
  });
  await addGuest(api.context, { state: 'error', metadata: { name: 'broken' } });
  const gone = await addGuest(api.context, { state: 'shutoff' });
  await api.call('POST', `/guests/${id}/reboot?wait=30`);
  await api.call('POST', '/images?wait=30', { id: 'debian-12' });
  await api.call('POST', `/guests/${gone.id}/delete?wait=30`);
  const { id: schedule } = await api.context.schedules.create({
    ...{ name: 'nightly', guests: { all: true }, cron: '30 2 * * *', keep: { daily: 7 } },
  });
  await api.call('POST', `/schedules/${schedule}/run`);
  return { api, id, schedule };
};

const PLACES = [
  ...[
    'dashboard',
    'guests',
    'images',
    'jobs',
    'schedules',
    'backups',
    'volumes',
    'host',
    'activity',
    'nowhere',
  ],
];
const TABS = [
  ...['overview', 'disks', 'nics', 'snapshots', 'backups', 'jobs', 'metadata', 'serial', 'screen', 'output'],
];

for (const colorScheme of ['light', 'dark'] as const)
  for (const [device, options] of [
    ['desktop', {}],
    ['phone', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }],
  ] as const)
    test(`axe finds nothing on any page: ${colorScheme}, ${device}`, async (t) => {
      const { api, id, schedule } = await serveFull(t);
      const page = await openPage(t, api.url, {
        ...{ colorScheme, reducedMotion: 'reduce', expected: /WebSocket|40\d|426/ },
        ...options,
      });
      await rowWith(page, 'web-1').waitFor();
      const found: string[] = [];
      const tabs = TABS.map((tab) => `guests/${id}/${tab}`);
      for (const place of [...PLACES, `schedules/${schedule}`, ...tabs]) {
        await page.goto(`${api.url}/#/${place}`);
        await page.locator('main h1').waitFor();
        for (const loading of await page.locator('main').getByText('Loading …').all())
          await loading.waitFor({ state: 'hidden' });
        found.push(...(await violations(page)).map((text) => `${place}: ${text}`));
      }
      await page.goto(`${api.url}/#/schedules`);
      await page.getByRole('button', { name: 'New schedule' }).click();
      found.push(...(await violations(page)).map((text) => `New schedule: ${text}`));
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.goto(`${api.url}/#/guests`);
      await page.getByRole('button', { name: 'New guest' }).click();
      for (const part of ['disk', 'NIC']) await page.getByRole('button', { name: `Add ${part}` }).click();
      await page.getByText('The same without this form').click();
      found.push(...(await violations(page)).map((text) => `New guest: ${text}`));
      await page.getByLabel('Type').selectOption('Container');
      await page.getByRole('button', { name: 'Add mount' }).click();
      found.push(...(await violations(page)).map((text) => `New container: ${text}`));
      t.deepEqual(found, []);
    });

/** Best practices aside: Swagger UI, which draws the page, nests its headings and landmarks as it likes. */
const isSerious = (text: string): boolean => /^(serious|critical) /.test(text);

for (const colorScheme of ['light', 'dark'] as const)
  test(`axe finds nothing serious in the documentation of the API: ${colorScheme}`, async (t) => {
    const { url } = await serveApi(t);
    const page = await openPage(t, `${url}/docs`, { colorScheme, reducedMotion: 'reduce' });
    // Swagger UI removes the operations that are out of sight.
    await page.setViewportSize({ width: 1280, height: 12_000 });
    for (const method of ['get', 'post', 'put', 'patch', 'delete']) {
      const operation = page.locator(`.opblock-${method}`).first();
      await operation.locator('.opblock-summary-control').click();
      await operation.locator('.responses-table').first().waitFor();
    }
    t.deepEqual((await violations(page)).filter(isSerious), []);
  });
