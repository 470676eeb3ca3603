import { type Duplex, PassThrough } from 'node:stream';
import ava from 'ava';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage } from '../helpers/browser.js';
import { shouting } from '../helpers/console.js';
import { makeToken, serveGuarded } from '../helpers/guarded.js';
import { needs } from '../helpers/needs.js';
import { blankScreen } from '../helpers/screen.js';
import { until } from '../helpers/wait.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

test('a serial console shows earlier output and sends what is typed', async (t) => {
  const { url, context, scripted } = await serveApi(t, { console: () => ({ bytes: shouting() }) });
  const { id } = await addGuest(context);
  const page = await openPage(t, `${url}/#/guests/${id}/serial`);
  const screen = page.locator('.xterm-rows');
  await screen.getByText('hello').waitFor();
  await page.locator('.console').click();
  await page.keyboard.type('who is there? n /');
  await screen.getByText('WHO IS THERE? N /').waitFor();
  t.is(scripted.consoles[0]?.scrollback, 65_536);
  t.is(await page.getByRole('dialog').count(), 0, 'a key typed into the terminal reached the page');
});

test('reconnects a console whose connection breaks', async (t) => {
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
  await until('the console is opened again', () => opened.length === 2);
  await page.getByText('Connected', { exact: true }).waitFor();
  t.pass();
});

test('connects to a console that appears later', async (t) => {
  let exists = false;
  const { url, context } = await serveApi(t, {
    console: () => {
      if (!exists) throw new Refusal('not_found', 'the container: not found');
      return { bytes: shouting() };
    },
  });
  const { id } = await addGuest(context, { type: 'container' });
  const page = await openPage(t, `${url}/#/guests/${id}/serial`, { expected: /404|WebSocket/ });
  await page.getByText('The container: not found.').waitFor();
  exists = true;
  await page.getByText('Connected', { exact: true }).waitFor();
  t.pass();
});

test('sends the size of the terminal to a container', async (t) => {
  const sizes: { columns: number; rows: number }[] = [];
  const { url, context } = await serveApi(t, {
    console: () => ({ bytes: shouting(), resize: (size) => void sizes.push(size) }),
  });
  const { id } = await addGuest(context, { type: 'container' });
  const page = await openPage(t, `${url}/#/guests/${id}/serial`);
  await until('the size is sent', () => sizes.length > 0);
  const [first] = sizes.slice(-1);
  await page.setViewportSize({ width: 640, height: 600 });
  await until('the new size is sent', () => (sizes.at(-1)?.columns ?? 999) < (first?.columns ?? 0));
  for (const name of ['Screen', 'Disks', 'Snapshots'])
    t.is(await page.getByRole('link', { name }).count(), 0, `a container has the tab ${name}`);
  t.is(await page.getByRole('link', { name: 'Metadata' }).count(), 1);
});

test('shows what a container prints, and reads it again when the container starts again', async (t) => {
  let printed = new PassThrough();
  const { url, context, scripted } = await serveApi(t, { download: async () => printed });
  const guest = await addGuest(context, { type: 'container', state: 'running' });
  const page = await openPage(t, `${url}/#/guests/${guest.id}/output`);
  const output = page.getByRole('log', { name: 'Output' });
  printed.write('listening on port 80\n');
  await output.getByText('listening on port 80').waitFor();
  printed.end('<b>bye</b>\n');
  await output.getByText('<b>bye</b>').waitFor();
  await page.getByText('the container has stopped').waitFor();
  await context.guests.update(guest.id, (current) => ({ ...current, state: 'stopped' }));
  await page.getByText('stopped', { exact: true }).first().waitFor();
  printed = new PassThrough();
  printed.write('again\n');
  await context.guests.update(guest.id, (current) => ({ ...current, state: 'running' }));
  await output.getByText('again').waitFor();
  t.is(await output.textContent(), 'again\n');
  t.like(scripted.requests('/download')[0], { guest: guest.id, follow: true, tail: 1000 });
  printed.end();
});

test('shows that a guest is off instead of connecting to its screen', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { state: 'shutoff' });
  const page = await openPage(t, `${url}/#/guests/${id}/screen`);
  await page.getByText('The guest is off (shutoff)').waitFor();
  t.deepEqual(scripted.consoles, []);
});

test("a phone types on a guest's screen with its own keyboard", async (t) => {
  const pressed: number[] = [];
  const { url, context } = await serveApi(t, { console: () => ({ bytes: blankScreen(pressed) }) });
  const { id } = await addGuest(context);
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
  const page = await openPage(t, `${url}/#/guests/${id}/screen`, phone);
  await page.getByText('Connected', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Keyboard', exact: true }).tap();
  await page.keyboard.insertText('lé');
  await page.keyboard.press('Backspace');
  await page.getByRole('button', { name: 'Esc', exact: true }).tap();
  await page.keyboard.insertText('s');
  await page.keyboard.press('Enter');
  await until('the keys arrive', () => pressed.length >= 6);
  t.deepEqual(pressed, [0x6c, 0xe9, 0xff08, 0xff1b, 0x73, 0xff0d]);
});

test("opens a console with the page's token if its rights permit", async (t) => {
  const { api, dbpath } = await serveGuarded(t);
  const { id } = await addGuest(api.context);
  const expected = /401 \(Unauthorized\)|403|WebSocket/;
  for (const [scope, status] of [
    ['operate', /^Connected$/],
    ['read', /ou lack the right "console"/],
  ] as const) {
    const token = await makeToken(dbpath, scope, scope);
    const page = await openPage(t, `${api.url}/#/guests/${id}/serial`, { expected });
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(status).waitFor();
  }
  t.is(api.scripted.consoles.length, 1);
});
