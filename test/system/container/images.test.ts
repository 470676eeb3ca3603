import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import ava from 'ava';
import {
  busyboxRootfs,
  IMAGE,
  newGuest,
  SharedPodman,
  type TestContainers,
  needsPodmanInTurn as test,
} from '../../helpers/podman.js';
import { serveHttp } from '../../helpers/storage.js';

const shared = new SharedPodman();
ava.after.always(() => shared.stop());

/** An archive of `IMAGE` under the name of the test's own, as Podman writes it. */
const archive = async (containers: TestContainers, format: string): Promise<string> => {
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await (await shared.podman()).run('save', '--quiet', '--format', format, '--output', path, IMAGE);
  return path;
};

/** The archive of a root file system: an image of its own each time that it is loaded. */
const rootfsArchive = async (containers: TestContainers): Promise<string> => {
  const path = join(containers.importDir, `${randomUUID()}.tar`);
  await writeFile(path, await busyboxRootfs());
  return `file://${path}`;
};

/** What the engine itself calls the image with a name, which must be whole: Podman tries `localhost/` before others. */
const engineId = async (name: string): Promise<string> =>
  (await shared.podman()).run('image', 'inspect', '--format', '{{.Id}}', name);

const load = (containers: TestContainers, id: string, source = '') =>
  containers.call('LoadImage', { id, type: 'container', dest: '', source });

const ids = async (containers: TestContainers): Promise<string[]> =>
  (await containers.call('ListImages', { id: '' })).images.map(({ id }) => id);

test('the images of the engine are listed in the agent’s shape', async (t) => {
  const containers = await shared.containers();
  const { images } = await containers.call('ListImages', { id: '', type: 'container' });
  const image = images.find(({ id }) => id === IMAGE);
  t.like(image, { type: 'container', status: 'complete' });
  t.true((image?.size ?? 0) >= 1 && (image?.size ?? 0) < 10);
  t.deepEqual((await containers.call('GetImage', { id: IMAGE })).images, [image]);
});

for (const format of ['docker-archive', 'oci-archive']) {
  test(`a ${format} is loaded under the id that was asked for`, async (t) => {
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

test('a gzipped archive is loaded over HTTP', async (t) => {
  const containers = await shared.containers();
  const body = gzipSync(await readFile(await archive(containers, 'docker-archive')), { level: 1 });
  const url = await serveHttp(t, (_, response) => response.end(body));
  await load(containers, 'gzipped:3', `${url}/image.tar.gz`);
  t.true((await ids(containers)).includes('gzipped:3'));
});

test('a root file system becomes an image', async (t) => {
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
  test(`a root file system becomes the image ${id}, and no other`, async (t) => {
    const containers = await shared.containers();
    const { images } = await load(containers, id, await rootfsArchive(containers));
    t.like(images[0], { id, type: 'container', status: 'complete' });
    t.true((await ids(containers)).includes(id));
    const podman = await shared.podman();
    const names = await podman.run('image', 'inspect', '--format', '{{join .RepoTags " "}}', name);
    t.is(names, name);
  });
}

for (const [repository, whole] of [
  ['kept', 'docker.io/library/kept'],
  ['localhost/kept', 'localhost/kept'],
  ['host:5000/kept', 'host:5000/kept'],
] as const) {
  test(`a root file system for a tag of ${repository} leaves its other tags alone`, async (t) => {
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

test('an image that is there is not fetched again', async (t) => {
  const { images } = await load(await shared.containers(), IMAGE, 'http://127.0.0.1:1/never-asked');
  t.is(images[0]?.id, IMAGE);
});

test('what is no archive is refused', async (t) => {
  const containers = await shared.containers();
  const path = join(containers.importDir, 'noise');
  await writeFile(path, Buffer.alloc(100_000, 'noise'));
  await t.throwsAsync(load(containers, 'noise', path), { message: /^image noise: not a tar archive/ });
  await t.throwsAsync(load(containers, 'other', '/etc/passwd'), {
    message: /^image other: there is no file/,
  });
});

test('a download that breaks leaves no image', async (t) => {
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

test('a deleted image is gone, and one that is not there is no such image', async (t) => {
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

test('an image in use is not deleted, and the guests are named', async (t) => {
  const containers = await shared.containers();
  const guest = newGuest();
  await containers.guest('CreateContainer', guest);
  await t.throwsAsync(containers.call('DeleteImage', { id: IMAGE }), { message: new RegExp(guest.id) });
  t.true((await ids(containers)).includes(IMAGE));
});

test('an id that cannot name a container image is refused', async (t) => {
  await t.throwsAsync(load(await shared.containers(), 'Big/Letters'), { message: /small letters/ });
});
