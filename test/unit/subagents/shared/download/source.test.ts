import { once } from 'node:events';
import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openSource } from '../../../../../lib/subagents/shared/download/source.js';
import { serveHttp } from '../../../../helpers/storage.js';
import { tempDir } from '../../../../helpers/temp.js';

const withFile = async (t: ExecutionContext): Promise<{ base: string; dir: string; path: string }> => {
  const base = await tempDir(t);
  const dir = join(base, 'import');
  await mkdir(dir);
  const path = join(dir, 'a b.raw');
  await writeFile(path, 'bytes');
  return { base, dir, path };
};

test('a file is read by its path and by its URL', async (t) => {
  const { dir, path } = await withFile(t);
  t.is(await text(await openSource(path, { importDirs: [dir] })), 'bytes');
  t.is(await text(await openSource(pathToFileURL(path).href, { importDirs: [dir] })), 'bytes');
});

test('a file elsewhere is refused in the same words as one that does not exist', async (t) => {
  const { base, dir } = await withFile(t);
  const outside = join(base, 'secret');
  await writeFile(outside, 'secret');
  for (const source of [outside, join(dir, 'none'), join(dir, '..', 'secret')])
    await t.throwsAsync(openSource(source, { importDirs: [dir] }), { message: /^there is no file .* under/ });
});

test('a link that leads out of the directory is refused', async (t) => {
  const { base, dir } = await withFile(t);
  await writeFile(join(base, 'secret'), 'secret');
  await symlink(join(base, 'secret'), join(dir, 'link'));
  await t.throwsAsync(openSource(join(dir, 'link'), { importDirs: [dir] }), { message: /there is no file/ });
});

test('a directory beside the allowed one with a name that begins alike is not under it', async (t) => {
  const { base, dir } = await withFile(t);
  await mkdir(`${dir}-other`);
  await writeFile(join(`${dir}-other`, 'x'), 'x');
  const source = join(base, 'import-other', 'x');
  await t.throwsAsync(openSource(source, { importDirs: [dir] }), { message: /there is no file/ });
});

test('a file that is still being copied is not taken for a whole one', async (t) => {
  const { dir, path } = await withFile(t);
  const stream = await openSource(path, { importDirs: [dir] });
  await once(stream, 'readable');
  await appendFile(path, 'more');
  await t.throwsAsync(text(stream), { message: /a b\.raw was written to while it was read: try again/ });
});

test('a directory is no source', async (t) => {
  const { dir } = await withFile(t);
  await mkdir(join(dir, 'sub'));
  await t.throwsAsync(openSource(join(dir, 'sub'), { importDirs: [dir] }), { message: /not a regular file/ });
});

test('sources of other kinds are refused', async (t) => {
  for (const source of ['ftp://192.0.2.1/x', 'x.raw', 'file://host/x', 'nbd://192.0.2.1'])
    await t.throwsAsync(openSource(source, { importDirs: [] }), {
      message: /not an http, https or file URL/,
    });
  await t.throwsAsync(openSource('', { importDirs: [] }), { message: /give a source/ });
});

test("the server's refusal is told, without the query and its secrets", async (t) => {
  const url = await serveHttp(t, (_, response) => void response.writeHead(403).end());
  await t.throwsAsync(openSource(`${url}/x?token=secret`, { importDirs: [] }), {
    message: `cannot be fetched from ${url}/x: the server answered 403`,
  });
});

test('a server that stops sending is given up', async (t) => {
  const url = await serveHttp(t, (_, response) => void response.writeHead(200).write('some'));
  const bytes = await openSource(`${url}/x`, { importDirs: [], stallMs: 3000 });
  await t.throwsAsync(text(bytes));
});

test('a connection that breaks is an error and not the end of the file', async (t) => {
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some', () => response.destroy());
  });
  await t.throwsAsync(text(await openSource(`${url}/x`, { importDirs: [] })));
});
