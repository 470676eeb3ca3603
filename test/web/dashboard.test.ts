import ava from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { needsInTurn } from '../helpers/needs.js';

const test = needsInTurn(BROWSER);
ava.after.always(closeBrowser);

test('counts guests by state, names what is wrong, and follows changes without scrolling', async (t) => {
  const { url, context, call } = await serveApi(t, {
    methods: {
      'Test.reboot': () => {
        throw new Error(`the guest does not respond to its power button: ${'restart it. '.repeat(20)}`);
      },
    },
  });
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  await addGuest(context, { state: 'shutoff', template: true });
  await addGuest(context, { state: 'crashed', reason: 'panicked', metadata: { name: 'db' } });
  for (let n = 0; n < 20; n += 1) await addGuest(context, { state: 'error', metadata: { name: `bad-${n}` } });
  const page = await openPage(t, `${url}/#/dashboard`, { viewport: { width: 1920, height: 1080 } });
  const tiles = page.getByRole('list', { name: 'Guests by state' }).getByRole('listitem');
  await tiles.getByText('21', { exact: true }).waitFor();
  t.deepEqual(await tiles.allTextContents(), ['1running', '0off', '0other', '21failed']);
  const wrong = page.getByRole('region', { name: 'What is wrong' });
  await wrong.getByText('db panicked').waitFor();
  await wrong.getByText('and 13 more').waitFor();
  for (let n = 0; n < 10; n += 1) await call('POST', `/guests/${id}/reboot?wait=30`);
  await page.getByRole('region', { name: 'Latest failures' }).getByText('and 2 more').waitFor();
  await call('POST', `/guests/${id}/shutdown?wait=30`);
  await tiles.filter({ hasText: '1off' }).waitFor();
  const scrolls = await page.evaluate(
    "[...document.querySelectorAll('main, .panel')].some(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight)",
  );
  t.false(scrolls);
});
