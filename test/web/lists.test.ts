import ava from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';
import { until } from '../helpers/wait.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

test('keeps the filter of a list in the address, over a reload and a way back', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web-1' }, tags: ['shop'], image: 'debian-12' });
  await addGuest(context, { metadata: { name: 'web-2' }, tags: ['shop'], state: 'crashed' });
  await addGuest(context, { metadata: { name: 'db-1' }, tags: ['data'], image: 'debian-12' });
  const page = await openPage(t, url);
  const names = (): Promise<string[]> => page.locator('tbody a').allTextContents();
  await page.getByLabel('Tag').selectOption('shop');
  await rowWith(page, 'db-1').waitFor({ state: 'detached' });
  t.deepEqual(await names(), ['web-1', 'web-2']);
  await page.getByLabel('Errors only').check();
  await rowWith(page, 'web-1').waitFor({ state: 'detached' });
  t.regex(page.url(), /#\/guests\?tag=shop&errors=1$/);
  await page.reload();
  await rowWith(page, 'web-2').click();
  await page.getByRole('heading', { name: 'web-2' }).waitFor();
  await page.goBack();
  await rowWith(page, 'web-2').click();
  await page.getByRole('heading', { name: 'web-2' }).waitFor();
  await page.keyboard.press('Escape');
  await rowWith(page, 'web-2').waitFor();
  t.deepEqual(await names(), ['web-2']);
  await page.getByRole('link', { name: 'Guests' }).click();
  await rowWith(page, 'db-1').waitFor();
  await page.goto(`${url}/#/guests?image=debian-12&q=web`);
  await rowWith(page, 'db-1').waitFor({ state: 'detached' });
  t.deepEqual(await names(), ['web-1']);
});

test('filters jobs by status and by what they say', async (t) => {
  const { url, context, call } = await serveApi(t, {
    methods: {
      'Test.reboot': () => {
        throw new Error('the guest does not listen');
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web-1' } });
  await call('POST', `/guests/${id}/reboot?wait=30`);
  await call('POST', `/guests/${id}/shutdown?wait=30`);
  const page = await openPage(t, `${url}/#/jobs?status=Error`);
  await rowWith(page, 'Reboot').waitFor();
  t.is(await rowWith(page, 'Shut down').count(), 0);
  await page.getByLabel('Status').selectOption('Any status');
  await rowWith(page, 'Shut down').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('not listen');
  await rowWith(page, 'Shut down').waitFor({ state: 'detached' });
  t.is(await rowWith(page, 'Reboot').locator('time').getAttribute('datetime').then(Boolean), true);
});

test('acts on all selected guests and sums up what succeeds and what fails', async (t) => {
  const { url, context, scripted } = await serveApi(t, {
    methods: {
      'Test.shutdown': ({ guest }) => {
        if (guest.metadata?.name === 'web-2') throw new Error('it does not listen');
        return { guest: { ...guest, state: 'shutoff' } };
      },
    },
  });
  for (const name of ['web-1', 'web-2', 'web-3']) await addGuest(context, { metadata: { name } });
  await addGuest(context, { metadata: { name: 'web-4' }, state: 'shutoff' });
  await addGuest(context, { metadata: { name: 'db-1' } });
  const page = await openPage(t, `${url}/#/guests?q=web`);
  await page.getByLabel('Select all guests').check();
  const bar = page.getByRole('group', { name: 'Selected guests' });
  await bar.getByText('4 selected').waitFor();
  await bar.getByRole('button', { name: 'Shut down' }).click();
  const dialog = page.getByRole('dialog', { name: 'Shut down: 3 guests' });
  await dialog.getByText('2 succeeded, 1 failed, 1 left out.').waitFor();
  await dialog.getByText(/it does not listen/).waitFor();
  await dialog.getByText('Left out because of their state: web-4.').waitFor();
  t.is(scripted.requests('Test.shutdown').length, 3);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await bar.getByRole('button', { name: 'Select none' }).click();
  await bar.waitFor({ state: 'hidden' });
});

test('deletes the selected guests only after their number is typed, and tags those that stay', async (t) => {
  const { url, context } = await serveApi(t);
  for (const name of ['a', 'b', 'c']) await addGuest(context, { metadata: { name }, tags: ['old'] });
  const page = await openPage(t, url);
  await page.getByLabel('Select c').check();
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  const bar = page.getByRole('group', { name: 'Selected guests' });
  await bar.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 2 guests?' });
  t.true(await dialog.getByRole('button', { name: 'Delete' }).isDisabled());
  await dialog.getByRole('textbox').fill('2 guests');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('2 succeeded, 0 failed.').waitFor();
  await page.getByRole('button', { name: 'Close' }).first().click();
  await bar.waitFor({ state: 'hidden' });
  await page.getByLabel('Select b').check();
  await bar.getByRole('button', { name: 'Tags' }).click();
  await page.getByLabel('Add').fill('kept, web');
  await page.getByLabel('Remove').fill('old');
  await page.getByRole('button', { name: 'Change' }).click();
  await until('the tags are changed', () => context.guests.list()[0]?.tags?.join() === 'kept,web');
  t.is(context.guests.list().length, 1);
});
