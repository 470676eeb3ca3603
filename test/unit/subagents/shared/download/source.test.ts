import { appendFile, link, mkdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createGuard } from '../../../../../lib/http/guard.js';
import { Reachable } from '../../../../../lib/http/reachable.js';
import { Refusal } from '../../../../../lib/rpc/protocol/refusal.js';
import { openSource, type SourceOptions } from '../../../../../lib/subagents/shared/download/source.js';
import { loopbackGuard as guard } from '../../../../helpers/loopback.js';
import { serveHttp } from '../../../../helpers/storage.js';
import { tempDir } from '../../../../helpers/temp.js';

const read = async (source: string, options: SourceOptions): Promise<string> =>
  text((await openSource(source, options)).bytes);

const withFile = async (t: ExecutionContext): Promise<{ base: string; dir: string; path: string }> => {
  const base = await tempDir(t);
  const dir = join(base, 'import');
  await mkdir(dir);
  const path = join(dir, 'a b.raw');
  await writeFile(path, 'bytes');
  return { base, dir, path };
};

test('reads a file by its path and by its URL', async (t) => {
  const { dir, path } = await withFile(t);
  t.is(await read(path, { guard, importDirs: [dir] }), 'bytes');
  t.is(await read(pathToFileURL(path).href, { guard, importDirs: [dir] }), 'bytes');
});

test('rejects a file elsewhere with the same error as a missing one', async (t) => {
  const { base, dir } = await withFile(t);
  const outside = join(base, 'secret');
  await writeFile(outside, 'secret');
  for (const source of [outside, join(dir, 'none'), join(dir, '..', 'secret')])
    await t.throwsAsync(openSource(source, { guard, importDirs: [dir] }), {
      message: /^no file .* in the import directories/,
    });
});

test('rejects a file with another name', async (t) => {
  const { base, dir } = await withFile(t);
  await writeFile(join(base, 'secret'), 'secret');
  await link(join(base, 'secret'), join(dir, 'copy'));
  await t.throwsAsync(openSource(join(dir, 'copy'), { guard, importDirs: [dir] }), {
    message: `${join(dir, 'copy')} has 2 names (hard links): copy the file instead`,
  });
  await unlink(join(base, 'secret'));
  t.is(await read(join(dir, 'copy'), { guard, importDirs: [dir] }), 'secret');
});

test('rejects a symbolic link that leads out of the directory', async (t) => {
  const { base, dir } = await withFile(t);
  await writeFile(join(base, 'secret'), 'secret');
  await symlink(join(base, 'secret'), join(dir, 'link'));
  await t.throwsAsync(openSource(join(dir, 'link'), { guard, importDirs: [dir] }), {
    message: /^no file .* in the import directories/,
  });
});

test('rejects a sibling directory whose name has the same prefix', async (t) => {
  const { base, dir } = await withFile(t);
  await mkdir(`${dir}-other`);
  await writeFile(join(`${dir}-other`, 'x'), 'x');
  const source = join(base, 'import-other', 'x');
  await t.throwsAsync(openSource(source, { guard, importDirs: [dir] }), {
    message: /^no file .* in the import directories/,
  });
});

test('rejects a file that is still being copied', async (t) => {
  const { dir, path } = await withFile(t);
  const { bytes } = await openSource(path, { guard, importDirs: [dir] });
  const chunks = bytes[Symbol.asyncIterator]();
  await chunks.next();
  await appendFile(path, 'more');
  await t.throwsAsync(chunks.next(), { message: /a b\.raw changed while it was read: try again/ });
});

test('rejects a directory', async (t) => {
  const { dir } = await withFile(t);
  await mkdir(join(dir, 'sub'));
  await t.throwsAsync(openSource(join(dir, 'sub'), { guard, importDirs: [dir] }), {
    message: /not a regular file/,
  });
});

test('rejects other kinds of sources', async (t) => {
  for (const source of ['ftp://192.0.2.1/x', 'x.raw', 'file://host/x', 'nbd://192.0.2.1'])
    await t.throwsAsync(openSource(source, { guard, importDirs: [] }), {
      message: /not an http, https or file URL/,
    });
  await t.throwsAsync(openSource('', { guard, importDirs: [] }), { message: /no source given/ });
});

test('refuses a private address that is not listed, once and for good', async (t) => {
  let requests = 0;
  const url = await serveHttp(t, (_, response) => {
    requests += 1;
    response.end('secret');
  });
  const closed = createGuard({ reachable: new Reachable() });
  const error = await t.throwsAsync(openSource(`${url}/x?token=secret`, { guard: closed, importDirs: [] }), {
    instanceOf: Refusal,
    message: `cannot be fetched from ${url}/x: 127.0.0.1 is a loopback address: list it under "private_addresses" in the config (--private-address of a sub-agent) to allow it`,
  });
  t.is((error as Refusal).kind, 'invalid');
  t.is(requests, 0);
});

test('refuses a name that resolves to a private address', async (t) => {
  const url = await serveHttp(t, (_, response) => void response.end('secret'));
  const named = url.replace('127.0.0.1', 'localhost');
  const closed = createGuard({ reachable: new Reachable() });
  await t.throwsAsync(openSource(`${named}/x`, { guard: closed, importDirs: [] }), {
    instanceOf: Refusal,
    message: /localhost is (127\.0\.0\.1|::1), which is a loopback address/,
  });
});

test("reports the server's status without the query and its secrets", async (t) => {
  const url = await serveHttp(t, (_, response) => void response.writeHead(403).end());
  await t.throwsAsync(openSource(`${url}/x?token=secret`, { guard, importDirs: [] }), {
    message: `cannot be fetched from ${url}/x: the server responded 403`,
  });
});

test('gives up on a server that stops sending', async (t) => {
  const url = await serveHttp(t, (_, response) => void response.writeHead(200).write('some'));
  await t.throwsAsync(read(`${url}/x`, { guard, importDirs: [], stallMs: 3000 }));
});

test('reports a broken connection instead of ending the file', async (t) => {
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some', () => response.destroy());
  });
  await t.throwsAsync(read(`${url}/x`, { guard, importDirs: [] }));
});
