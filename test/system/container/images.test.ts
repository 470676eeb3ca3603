import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import ava, { type ExecutionContext } from 'ava';
import { execa } from 'execa';
import {
  newGuest,
  SharedEngine,
  startTestContainers,
  type TestContainers,
} from '../../helpers/containers.js';
import { busyboxRootfs, IMAGE } from '../../helpers/engines/busybox.js';
import { startEngine, needsEngineInTurn as test } from '../../helpers/engines/chosen.js';
import type { ArchiveFormat } from '../../helpers/engines/engine.js';
import { ociLayout } from '../../helpers/oci-layout.js';
import { serveHttp } from '../../helpers/storage.js';
import { tempDir } from '../../helpers/temp.js';
import { gate } from '../../helpers/wait.js';

// Guarantees: G17.

const shared = new SharedEngine();
ava.after.always(() => shared.stop());

/**
 * Saves `IMAGE` with the engine.
 * @returns the path of the archive
 */
const archive = async (containers: TestContainers, format: ArchiveFormat): Promise<string> => {
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await (await shared.engine()).save(path, format, IMAGE);
  return path;
};

/**
 * Writes the archive of a root file system, which becomes a new image each time it is loaded.
 * @returns its URL
 */
const rootfsArchive = async (containers: TestContainers): Promise<string> => {
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await writeFile(path, await busyboxRootfs());
  return `file://${path}`;
};

/**
 * Returns the engine's id of an image.
 * @param name complete, as Podman tries `localhost/` before other registries
 */
const engineId = async (name: string): Promise<string> =>
  (await shared.engine()).run('image', 'inspect', '--format', '{{.Id}}', name);

const load = (containers: TestContainers, id: string, source = '', rest: object = {}) =>
  containers.call('LoadImage', { id, type: 'container', dest: '', source, ...rest });

const ids = async (containers: TestContainers): Promise<string[]> =>
  (await containers.call('ListImages', { id: '' })).images.map(({ id }) => id);

test('lists the engine’s images in the agent’s format', async (t) => {
  const containers = await shared.containers();
  const { images } = await containers.call('ListImages', { id: '', type: 'container' });
  const image = images.find(({ id }) => id === IMAGE);
  t.like(image, { type: 'container', status: 'complete' });
  t.true((image?.size ?? 0) >= 1 && (image?.size ?? 0) < 10);
  t.deepEqual((await containers.call('GetImage', { id: IMAGE })).images, [image]);
});

for (const format of ['docker-archive', 'oci-archive'] as const) {
  test(`loads a ${format} under the requested id`, async (t) => {
    const containers = await shared.containers();
    const id = `loaded-${format}`;
    const before = await ids(containers);
    const { images } = await load(containers, id, await archive(containers, format));
    t.like(images[0], { id, type: 'container', status: 'complete' });
    const after = await ids(containers);
    t.true(after.includes(id));
    t.true(before.every((name) => after.includes(name)));
    const guest = newGuest({ image: id });
    await containers.guest('CreateContainer', guest);
    t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
  });
}

test('loads an image in OCI layout without a manifest.json, and reports one size for it', async (t) => {
  const containers = await shared.containers();
  const id = 'localhost/oci:1';
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await writeFile(path, await ociLayout(await busyboxRootfs()));
  await load(containers, id, path);
  const { images } = await containers.call('ListImages', { id: '' });
  const listed = images.find((image) => image.id === id);
  t.true((listed?.size ?? 0) > 0);
  t.is((await containers.call('GetImage', { id })).images[0]?.size, listed?.size);
  const guest = newGuest({ image: id });
  await containers.guest('CreateContainer', guest);
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
});

test('loads a gzipped archive over HTTP', async (t) => {
  const containers = await shared.containers();
  const body = gzipSync(await readFile(await archive(containers, 'docker-archive')), { level: 1 });
  const url = await serveHttp(t, (_, response) => response.end(body));
  await load(containers, 'gzipped:3', `${url}/image.tar.gz`);
  t.true((await ids(containers)).includes('gzipped:3'));
});

test('imports a root file system as an image', async (t) => {
  const containers = await shared.containers();
  const id = '1e0a4b5c-6f1b-4f0e-8d7d-0a3c3a8e9f10';
  const { images } = await load(containers, id, await rootfsArchive(containers));
  const guest = newGuest({ image: images[0]?.id ?? '' });
  await containers.guest('CreateContainer', guest);
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
});

for (const [id, name] of [
  ['tagged:1', 'docker.io/library/tagged:1'],
  ['some/tagged:2', 'docker.io/some/tagged:2'],
  ['localhost/tagged:3', 'localhost/tagged:3'],
  ['host:5000/tagged:4', 'host:5000/tagged:4'],
  ['host:5000/untagged', 'host:5000/untagged:latest'],
] as const) {
  test(`imports a root file system as the image ${id} and no other`, async (t) => {
    const containers = await shared.containers();
    const { images } = await load(containers, id, await rootfsArchive(containers));
    t.like(images[0], { id, type: 'container', status: 'complete' });
    t.true((await ids(containers)).includes(id));
    const engine = await shared.engine();
    const names = await engine.run('image', 'inspect', '--format', '{{join .RepoTags " "}}', name);
    t.is(names, engine.traits.listedName(name));
  });
}

for (const [repository, whole] of [
  ['kept', 'docker.io/library/kept'],
  ['localhost/kept', 'localhost/kept'],
  ['host:5000/kept', 'host:5000/kept'],
] as const) {
  test(`importing a root file system as a tag of ${repository} keeps its other tags`, async (t) => {
    const containers = await shared.containers();
    await load(containers, repository, await rootfsArchive(containers));
    await load(containers, `${repository}:8`, await rootfsArchive(containers));
    const others = [`${whole}:latest`, `${whole}:8`];
    const before = await Promise.all(others.map(engineId));
    await load(containers, `${repository}:9`, await rootfsArchive(containers));
    t.deepEqual(await Promise.all(others.map(engineId)), before);
    t.false(before.includes(await engineId(`${whole}:9`)));
    const listed = await ids(containers);
    for (const id of [repository, `${repository}:8`, `${repository}:9`]) t.true(listed.includes(id), id);
  });
}

test('does not fetch an image that the engine already has', async (t) => {
  const { images } = await load(await shared.containers(), IMAGE, 'http://127.0.0.1:1/never-asked');
  t.is(images[0]?.id, IMAGE);
});

test('rejects a file that is not an archive', async (t) => {
  const containers = await shared.containers();
  const path = join(containers.importDir, 'noise');
  await writeFile(path, Buffer.alloc(100_000, 'noise'));
  await t.throwsAsync(load(containers, 'noise', path), {
    message: /^image noise: the file is not a tar archive/,
  });
  await t.throwsAsync(load(containers, 'other', '/etc/passwd'), {
    message: /^image other: no file/,
  });
});

test('a broken download leaves no image', async (t) => {
  const containers = await shared.containers();
  const whole = await readFile(await archive(containers, 'docker-archive'));
  const url = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': whole.length });
    response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
  });
  await t.throwsAsync(load(containers, 'broken', url), { message: /^image broken: / });
  const rootfs = await busyboxRootfs();
  const other = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': rootfs.length });
    response.write(rootfs.subarray(0, rootfs.length - 1024), () => response.destroy());
  });
  await t.throwsAsync(load(containers, 'broken-rootfs', other), { message: /^image broken-rootfs: / });
  t.false((await ids(containers)).some((id) => id.startsWith('broken')));
});

test('deletes an image, and reports a missing one as no such image', async (t) => {
  const containers = await shared.containers();
  await load(containers, 'short-lived', await archive(containers, 'docker-archive'));
  const { images } = await containers.call('DeleteImage', { id: 'short-lived' });
  t.is(images[0]?.id, 'short-lived');
  t.false((await ids(containers)).includes('short-lived'));
  for (const method of ['DeleteImage', 'GetImage'])
    await t.throwsAsync(containers.call(method, { id: 'short-lived' }), {
      message: 'image short-lived: no such image',
    });
});

test('rejects deleting an image in use and names the guests', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await t.throwsAsync(containers.call('DeleteImage', { id: IMAGE }), { message: new RegExp(guest.id) });
  t.true((await ids(containers)).includes(IMAGE));
});

test('rejects an id that is not a valid image name', async (t) => {
  await t.throwsAsync(load(await shared.containers(), 'Big/Letters'), { message: /lower-case letters/ });
});

test('loads an image with two tags under the requested id alone', async (t) => {
  const containers = await shared.containers();
  const engine = await shared.engine();
  await engine.run('tag', IMAGE, 'localhost/second:2');
  for (const format of ['docker-archive', 'oci-archive'] as const) {
    const path = join(containers.importDir, `${randomUUID()}.tar`);
    const names = format === 'docker-archive' ? [IMAGE, 'localhost/second:2'] : [IMAGE];
    await engine.save(path, format, ...names);
    const { images } = await load(containers, `two-tags:${format}`, path);
    t.like(images[0], { id: `two-tags:${format}`, status: 'complete' });
  }
  await engine.run('rmi', 'localhost/second:2');
});

/** Packs files into a tar archive. */
const tarOf = async (t: ExecutionContext, containers: TestContainers, files: Record<string, string>) => {
  const dir = await tempDir(t);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(dir, dirname(name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await execa('tar', ['-cf', path, '-C', dir, '.']);
  return path;
};

test('rejects the archive of another project and an image inside a folder, and leaves no image', async (t) => {
  const containers = await shared.containers();
  const project = await tarOf(t, containers, { 'tool-1.0/README.md': '# Tool', 'tool-1.0/bin/tool': 'x' });
  await t.throwsAsync(load(containers, 'rejected:1', project), {
    message: /^image rejected:1: the archive is neither a container image nor a root file system/,
  });
  const extension = await tarOf(t, containers, { 'manifest.json': '{"manifest_version": 3}' });
  await t.throwsAsync(load(containers, 'rejected:2', extension), {
    message: /^image rejected:2: the archive is not a container image: manifest.json/,
  });
  const inFolder = await tarOf(t, containers, { 'image/oci-layout': '{}', 'image/index.json': '{}' });
  await t.throwsAsync(load(containers, 'rejected:3', inFolder), {
    message: /^image rejected:3: the image is in the folder image of the archive/,
  });
  t.false((await ids(containers)).some((id) => id.startsWith('rejected')));
  await t.notThrowsAsync(load(containers, 'said:1', project, { format: 'rootfs' }));
});

test('checks the sums of an archive, and loads nothing when one differs', async (t) => {
  const containers = await shared.containers();
  const wrong = '0'.repeat(64);
  for (const path of [
    await archive(containers, 'docker-archive'),
    fileURLToPath(await rootfsArchive(containers)),
  ]) {
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    const id = `summed:${sha256.slice(0, 8)}`;
    await t.throwsAsync(load(containers, id, path, { sha256: wrong }), {
      message: `image ${id}: the fetched file has the sha256 ${sha256}, not ${wrong}`,
    });
    t.false((await ids(containers)).includes(id));
    t.is((await load(containers, id, path, { sha256 })).images[0]?.status, 'complete');
    await t.throwsAsync(load(containers, id, path, { sha256 }), {
      message: /already exists, made from a file/,
    });
  }
  await t.throwsAsync(load(containers, 'pulled:1', '', { sha256: wrong }), {
    message: /an image of a registry is checked by the digest in its id/,
  });
});

test('keeps the names of one image that is loaded under several at the same time', async (t) => {
  const containers = await shared.containers();
  const path = await archive(containers, 'docker-archive');
  const names = Array.from({ length: 6 }, (_, index) => `at-once:${index}`);
  await Promise.all(names.map((name) => load(containers, name, path)));
  const listed = await ids(containers);
  t.deepEqual(
    names.filter((name) => !listed.includes(name)),
    [],
  );
});

test('deletes an image while another one is loaded slowly', async (t) => {
  const containers = await shared.containers();
  await load(containers, 'in-the-way', await rootfsArchive(containers));
  const { opened, open } = gate();
  const asked = gate();
  const url = await serveHttp(t, async (_, response) => {
    asked.open();
    await opened;
    response.end(await busyboxRootfs());
  });
  const slow = load(containers, 'slow:1', `${url}/slow`);
  await asked.opened;
  await containers.call('DeleteImage', { id: 'in-the-way' });
  t.false((await ids(containers)).includes('in-the-way'));
  open();
  t.is((await slow).images[0]?.id, 'slow:1');
});

test('refreshes an image, and a guest keeps the one that it was made of', async (t) => {
  const containers = await shared.containers();
  const [first, second] = [await rootfsArchive(containers), await rootfsArchive(containers)];
  const name = 'docker.io/library/refreshed:1';
  await load(containers, 'refreshed:1', first);
  const guest = newGuest({ image: 'refreshed:1' });
  await containers.guest('CreateContainer', guest);
  const before = await engineId(name);
  const kept = await load(containers, 'refreshed:1', second);
  t.regex((kept as { message?: string }).message ?? '', /exists already and was not fetched again/);
  t.is(await engineId(name), before);
  const refreshed = await load(containers, 'refreshed:1', second, { refresh: true });
  t.regex(
    (refreshed as { message?: string }).message ?? '',
    /was refreshed; the earlier image stays for the guests/,
  );
  t.not(await engineId(name), before);
  t.is((await containers.guest('StartContainer', guest)).guest.state, 'running');
  await t.notThrowsAsync(engineId(before));
  const again = await load(containers, 'refreshed:1', await rootfsArchive(containers), { refresh: true });
  t.is((again as { message?: string }).message, 'image refreshed:1 was refreshed');
});

test('saves an image as an archive that can be loaded again', async (t) => {
  const containers = await shared.containers();
  const response = await fetch(`http://127.0.0.1:${containers.port}/images/download`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: IMAGE }),
  });
  t.is(response.status, 200);
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  const { images } = await load(containers, 'saved', `file://${path}`);
  t.like(images[0], { id: 'saved', type: 'container' });
  t.is(await engineId('docker.io/library/saved:latest'), await engineId(IMAGE));
  const missing = await fetch(`http://127.0.0.1:${containers.port}/images/download`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'none-such' }),
  });
  t.is(missing.status, 404);
});

test('lists and deletes the images that no container was made from', async (t) => {
  const engine = await startEngine();
  t.teardown(() => engine.stop());
  const containers = await startTestContainers(t, engine.socket);
  const used = newGuest();
  await containers.guest('CreateContainer', used);
  await load(containers, 'unused-1', await rootfsArchive(containers));
  await load(containers, 'foreign', await rootfsArchive(containers));
  await engine.run('tag', 'docker.io/library/unused-1:latest', 'localhost/again:1');
  await engine.run('create', '--name', 'not-a-guest', 'docker.io/library/foreign:latest', 'sh');
  const plan = (await containers.call('UnusedImages', { id: '' })).images.map(({ id }) => id);
  t.deepEqual(plan.sort(), ['localhost/again:1', 'unused-1']);
  const { images, message } = await containers.call('PruneImages', { id: '' });
  t.deepEqual(images.map(({ id }) => id).sort(), plan);
  t.regex(message ?? '', /^deleted 2 images, of \d+ MB together$/);
  t.deepEqual((await ids(containers)).sort(), ['foreign', IMAGE].sort());
  t.deepEqual((await containers.call('PruneImages', { id: '' })).images, []);
});
