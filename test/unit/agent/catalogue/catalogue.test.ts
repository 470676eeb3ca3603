import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Catalogue } from '../../../../lib/agent/catalogue/catalogue.js';
import { jsonReader } from '../../../../lib/agent/catalogue/download.js';
import type { CatalogueSourceConfig } from '../../../../lib/config/catalogue.js';
import { createGuard } from '../../../../lib/http/guard.js';
import { Reachable } from '../../../../lib/http/reachable.js';
import { findByName } from '../../../../lib/portable/catalogue-names.js';
import { loopbackGuard } from '../../../helpers/loopback.js';
import { INCUS, serveStreams, UBUNTU } from '../../../helpers/simplestreams.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';

const LIST = {
  images: [
    {
      id: 'debian/13',
      aliases: ['debian/trixie'],
      title: 'Debian 13 (trixie)',
      arch: 'x86_64',
      url: 'https://cloud.example.org/trixie/debian-13-generic-amd64.qcow2',
      sums: 'https://cloud.example.org/trixie/SHA512SUMS',
    },
  ],
};

const HOUR = 3_600_000;

const catalogueOf = async (
  t: ExecutionContext,
  sources: Record<string, CatalogueSourceConfig>,
  directory?: string,
) => {
  const clock = { now: Date.parse('2026-03-03T12:00:00Z') };
  const catalogue = new Catalogue({
    sources: new Map(Object.entries(sources)),
    directory: directory ?? (await tempDir(t)),
    readJson: jsonReader(loopbackGuard),
    log: silentLog,
    now: () => clock.now,
  });
  return { catalogue, clock };
};

const fileOf = async (t: ExecutionContext, list: unknown): Promise<string> => {
  const path = join(await tempDir(t), 'images.json');
  await writeFile(path, JSON.stringify(list));
  return path;
};

test("reads the newest disk of each of Ubuntu's products, with its sum", async (t) => {
  const { url } = await serveStreams(t, UBUNTU);
  const { catalogue } = await catalogueOf(t, { ubuntu: { simplestreams: `${url}/` } });
  const { images } = await catalogue.list({ arch: 'x86_64' });
  t.deepEqual(images, [
    {
      id: 'ubuntu/24.04',
      aliases: ['ubuntu/noble', 'ubuntu/n', 'ubuntu/lts'],
      title: 'ubuntu 24.04 LTS (Noble Numbat)',
      arch: 'x86_64',
      version: '20260301',
      size: 612_000_000,
      source: 'ubuntu',
      fetch: {
        id: 'ubuntu/24.04',
        source: `${url}/server/releases/noble/release-20260301/ubuntu-24.04-server-cloudimg-amd64.img`,
        sha256: '1'.repeat(64),
      },
    },
  ]);
  t.is((await catalogue.list({ arch: 'arm64' })).images.length, 1);
  t.is((await catalogue.list({ arch: 'all' })).images.length, 2);
});

test("reads the products of Incus' server that have a disk for QEMU", async (t) => {
  const { url } = await serveStreams(t, INCUS);
  const { catalogue } = await catalogueOf(t, { images: { simplestreams: url } });
  const { images } = await catalogue.list({ arch: 'x86_64' });
  t.deepEqual(
    images.map(({ id, aliases, fetch }) => [id, aliases.includes('debian/13'), fetch.source]),
    [
      ['debian/trixie/cloud', false, `${url}/images/debian/trixie/amd64/cloud/20260302_05:24/disk.qcow2`],
      ['debian/trixie', true, `${url}/images/debian/trixie/amd64/default/20260302_05:24/disk.qcow2`],
    ],
  );
});

test('prefers the first source that has a name, and lists the others below their own', async (t) => {
  const { url } = await serveStreams(t, INCUS);
  const { catalogue } = await catalogueOf(t, {
    cloud: { list: await fileOf(t, LIST) },
    images: { simplestreams: url },
  });
  const { images } = await catalogue.list({ arch: 'x86_64' });
  t.deepEqual(
    images.map(({ id, source, fetch }) => [id, source, fetch.id]),
    [
      ['debian/13', 'cloud', 'debian/13'],
      ['debian/trixie/cloud', 'images', 'debian/trixie/cloud'],
      ['images/debian/trixie', 'images', 'images/debian/trixie'],
    ],
  );
  for (const name of ['debian/13', 'debian-13', 'debian:13', 'Debian/Trixie'])
    t.is(findByName(images, name)?.id, 'debian/13');
  t.is(findByName(images, 'images/debian/trixie')?.source, 'images');
  t.is(findByName(images, 'debian'), undefined);
});

test('searches for words in ids, other names and titles, in all sources or one', async (t) => {
  const { url } = await serveStreams(t, INCUS);
  const { catalogue } = await catalogueOf(t, {
    cloud: { list: await fileOf(t, LIST) },
    images: { simplestreams: url },
  });
  const found = async (search: string, source?: string) => {
    const { images } = await catalogue.list({ search, arch: 'amd64', ...(source ? { source } : {}) });
    return images.map(({ id }) => id);
  };
  t.deepEqual(await found('DEBIAN (trixie)'), ['debian/13']);
  t.deepEqual(await found('cloud'), ['debian/trixie/cloud']);
  t.deepEqual(await found('debian', 'cloud'), ['debian/13']);
  t.deepEqual(await found('windows'), []);
  await t.throwsAsync(catalogue.list({ source: 'none' }), { message: /choose from cloud, images/ });
});

test('asks a source again only after a time, and serves its last list when it does not answer', async (t) => {
  const server = await serveStreams(t, INCUS);
  const directory = await tempDir(t);
  const sources = { images: { simplestreams: server.url }, cloud: { list: await fileOf(t, LIST) } };
  const { catalogue, clock } = await catalogueOf(t, sources, directory);
  await Promise.all([catalogue.list({}), catalogue.list({})]);
  await catalogue.list({});
  t.is(server.asked.length, 2);
  clock.now += 7 * HOUR;
  server.fail(true);
  const later = await catalogue.list({ arch: 'x86_64' });
  t.is(later.images.length, 3);
  const read = '2026-03-03T12:00:00.000Z';
  t.like(later.sources[0], { name: 'images', read, problem: 'the server responded 503' });
  t.is(later.sources[1]?.problem, undefined);
  const asked = server.asked.length;
  await catalogue.list({});
  t.is(server.asked.length, asked);
  const restarted = await catalogueOf(t, sources, directory);
  restarted.clock.now += 7 * HOUR;
  t.like((await restarted.catalogue.list({})).sources[0], { read, problem: 'the server responded 503' });
  const moved = { images: { simplestreams: `${server.url}/moved` } };
  const elsewhere = (await (await catalogueOf(t, moved, directory)).catalogue.list({})).sources[0];
  t.is(elsewhere?.read, undefined, 'the list of another address counts for nothing');
  server.fail(false);
  clock.now += HOUR;
  t.is((await catalogue.list({})).sources[0]?.problem, undefined);
});

for (const [what, documents, problem] of [
  ['no simplestreams', { '/streams/v1/index.json': { images: [] } }, /its index is not of the format/],
  ['nothing', {}, /the server responded 503/],
] as const)
  test(`says that a server has ${what}`, async (t) => {
    const { url } = await serveStreams(t, documents);
    const { catalogue } = await catalogueOf(t, { broken: { simplestreams: url } });
    const { images, sources } = await catalogue.list({});
    t.deepEqual(images, []);
    t.regex(sources[0]?.problem ?? '', problem);
    t.is(sources[0]?.read, undefined);
  });

for (const [what, list, problem] of [
  [
    'an image without a sum',
    { images: [{ ...LIST.images[0], sums: undefined }] },
    /must contain at least one of/,
  ],
  ['an unknown key', { images: [{ ...LIST.images[0], sha265: 'x' }] }, /sha265/],
  ['no images', {}, /"images" is required/],
] as const)
  test(`refuses a list with ${what}`, async (t) => {
    const { catalogue } = await catalogueOf(t, { cloud: { list: await fileOf(t, list) } });
    t.regex((await catalogue.list({})).sources[0]?.problem ?? '', problem);
  });

test('follows no redirect to an address that is not listed', async (t) => {
  const { url } = await serveStreams(t, {});
  const read = jsonReader(createGuard({ reachable: new Reachable() }));
  await t.throwsAsync(read(`${url}/images.json`), { message: /is a loopback address/ });
});
