import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava from 'ava';
import { addGuest } from '../helpers/agent.js';
import { serveApi } from '../helpers/api.js';
import { BROWSER, closeBrowser, openPage, rowWith } from '../helpers/browser.js';
import { needs } from '../helpers/needs.js';
import { tempDir } from '../helpers/temp.js';

const test = needs(BROWSER);
ava.after.always(closeBrowser);

test('exports a guest to a file of ours or to an OVA', async (t) => {
  const { url, context, scripted } = await serveApi(t);
  const { id } = await addGuest(context, { metadata: { name: 'web' } });
  const page = await openPage(t, `${url}/#/guests/${id}`);
  for (const [format, name] of [
    ['mistify', 'web.tar.zst'],
    ['ova', 'web.ova'],
  ] as const) {
    const started = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Format').selectOption(format);
    await dialog.getByRole('button', { name: 'Export' }).click();
    const file = await started;
    t.is(file.suggestedFilename(), name);
    t.is(await readFile(await file.path(), 'utf8'), 'the bytes of the disk');
    await dialog.waitFor({ state: 'hidden' });
  }
  t.deepEqual(
    scripted.requests('/download').map((request) => (request as { format?: string }).format),
    ['mistify', 'ova'],
  );
});

test('imports a guest from a file, and says why a file is refused', async (t) => {
  const { url, context } = await serveApi(t);
  await addGuest(context, { metadata: { name: 'web' } });
  const file = join(await tempDir(t), 'web.tar.zst');
  await writeFile(file, 'a file');
  const page = await openPage(t, url, { expected: /409/ });
  await page.getByRole('button', { name: 'Import' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[type=file]').setInputFiles(file);
  await dialog.locator('input[name=name]').fill('web');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await dialog.getByText('has the name "web"').waitFor();
  await dialog.locator('input[name=name]').fill('web2');
  await dialog.getByRole('button', { name: 'Import' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await rowWith(page, 'web2').waitFor();
  t.pass();
});
