import type { Duplex } from 'node:stream';
import ava from 'ava';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { shouting } from '../helpers/console.js';
import { makeToken, serveGuarded } from '../helpers/guarded.js';
import { needs } from '../helpers/needs.js';
import { until } from '../helpers/wait.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

test('a serial console shows what was said before, and takes what is typed', async (t) => {
  const { url, context, scripted } = await serveApi(t, { console: () => ({ bytes: shouting() }) });
  const { id } = await addGuest(context);
  const page = await openPage(t, `${url}/#/guests/${id}/serial`);
  const screen = page.locator('.xterm-rows');
  await screen.getByText('hello').waitFor();
  await page.locator('.console').click();
  await page.keyboard.type('who is there? n /');
  await screen.getByText('WHO IS THERE? N /').waitFor();
  t.is(scripted.consoles[0]?.scrollback, 65_536);
  t.is(await page.getByRole('dialog').count(), 0, 'keys of the terminal went to the page');
});

test('a console that breaks is connected again', async (t) => {
  const opened: Duplex[] = [];
  const { url, context } = await serveApi(t, {
    console: () => {
      const bytes = shouting();
      opened.push(bytes);
      return { bytes };
    },
  });
  const { id } = await addGuest(context);
  const page = await openPage(t, `${url}/#/guests/${id}/serial`);
  await page.getByText('Connected', { exact: true }).waitFor();
  opened[0]?.destroy(new Error('the line broke'));
  await until('it is opened again', () => opened.length === 2);
  await page.getByText('Connected', { exact: true }).waitFor();
  t.pass();
});

test('a console that is not there yet comes when it is', async (t) => {
  let isThere = false;
  const { url, context } = await serveApi(t, {
    console: () => {
      if (!isThere) throw new Refusal('not_found', 'the container: not found');
      return { bytes: shouting() };
    },
  });
  const { id } = await addGuest(context, { type: 'container' });
  const page = await openPage(t, `${url}/#/guests/${id}/serial`, { expected: /404|WebSocket/ });
  await page.getByText('the container: not found. Trying again').waitFor();
  isThere = true;
  await page.getByText('Connected', { exact: true }).waitFor();
  t.pass();
});

test('a console tells a container how large its terminal is', async (t) => {
  const sizes: { columns: number; rows: number }[] = [];
  const { url, context } = await serveApi(t, {
    console: () => ({ bytes: shouting(), resize: (size) => void sizes.push(size) }),
  });
  const { id } = await addGuest(context, { type: 'container' });
  const page = await openPage(t, `${url}/#/guests/${id}/serial`);
  await until('it was told', () => sizes.length > 0);
  const [first] = sizes.slice(-1);
  await page.setViewportSize({ width: 640, height: 600 });
  await until('it was told again', () => (sizes.at(-1)?.columns ?? 999) < (first?.columns ?? 0));
  t.is(await page.getByRole('link', { name: 'Screen' }).count(), 0, 'a container has a screen');
});

test('the screen of a guest that is off says so, without asking for it', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const page = await openPage(t, `${url}/#/guests/${id}/screen`);
  await page.getByText('The guest is off (shutoff)').waitFor();
  t.deepEqual(scripted.consoles, []);
});

test('a console is opened with the token that the page has, when its scope allows it', async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context);
  const expected = /401 \(Unauthorized\)|403|WebSocket/;
  for (const [scope, said] of [
    ['operate', /^Connected$/],
    ['read', /Your token may only look/],
  ] as const) {
    const token = await makeToken(dbpath, scope, scope);
    const page = await openPage(t, `${api.url}/#/guests/${id}/serial`, { expected });
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(said).waitFor();
  }
  t.is(api.scripted.consoles.length, 1);
});
