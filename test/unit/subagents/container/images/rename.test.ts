import { Readable } from 'node:stream';
import test from 'ava';
import tar from 'tar-stream';
import { renameImage } from '../../../../../lib/subagents/container/images/rename.js';

const rename = async (
  files: Record<string, unknown>,
  forDocker = false,
): Promise<Record<string, unknown>> => {
  const pack = tar.pack();
  for (const [name, content] of Object.entries(files))
    pack.entry({ name }, typeof content === 'string' ? content : JSON.stringify(content));
  pack.finalize();
  const extract = tar.extract();
  renameImage(Readable.from(pack, { objectMode: false }), 'docker.io/library/new:1', forDocker)
    .once('error', (error) => extract.destroy(error))
    .pipe(extract);
  const found: Record<string, unknown> = {};
  for await (const entry of extract) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(Buffer.from(chunk as Uint8Array));
    const text = Buffer.concat(chunks).toString();
    found[entry.header.name] = entry.header.name.endsWith('.json') ? JSON.parse(text) : text;
  }
  return found;
};

const tagged = (digest: string, name: string): object => ({
  digest,
  annotations: { 'org.opencontainers.image.ref.name': name },
});

test('renames an image with two tags', async (t) => {
  const { 'manifest.json': manifests } = await rename({
    'manifest.json': [{ Config: 'a.json', RepoTags: ['one:1', 'two:2'], Layers: ['l'] }],
  });
  t.deepEqual(manifests, [{ Config: 'a.json', RepoTags: ['docker.io/library/new:1'], Layers: ['l'] }]);
});

test('renames an image that is listed once for each of its tags', async (t) => {
  const files = await rename({
    'index.json': { schemaVersion: 2, manifests: [tagged('sha256:a', 'one'), tagged('sha256:a', 'two')] },
    'manifest.json': [
      { Config: 'a.json', RepoTags: ['one:1'] },
      { Config: 'a.json', RepoTags: ['two:2'] },
    ],
    blob: 'x',
  });
  t.like(files, { blob: 'x', 'manifest.json': [{ RepoTags: ['docker.io/library/new:1'] }] });
  const { manifests } = files['index.json'] as { manifests: object[] };
  t.is(manifests.length, 1);
  t.like(manifests[0], {
    digest: 'sha256:a',
    annotations: { 'org.opencontainers.image.ref.name': 'docker.io/library/new:1' },
  });
});

test('rejects an archive of several images, and of none', async (t) => {
  const manifests = [tagged('sha256:a', 'one'), tagged('sha256:b', 'two'), tagged('sha256:a', 'three')];
  await t.throwsAsync(rename({ 'index.json': { manifests } }), { message: /contains 2 images/ });
  await t.throwsAsync(rename({ 'manifest.json': [] }), { message: /contains 0 images/ });
});

test('rejects the files of another program', async (t) => {
  const message = /^the archive is not a container image: /;
  for (const content of [{ manifest_version: 3 }, 'no json', [{ name: 'x' }]])
    await t.throwsAsync(rename({ 'manifest.json': content }), { message });
  await t.throwsAsync(rename({ 'blobs/x': 'x' }), { message: /neither a manifest.json nor an index.json$/ });
});

const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const pathOf = (digit: string): string => `blobs/sha256/${digit.repeat(64)}`;

/** A manifest of the OCI image specification, with its files. */
const layout = {
  [pathOf('a')]: { config: { digest: digestOf('c') }, layers: [{ digest: digestOf('1') }] },
  [pathOf('1')]: 'a layer',
  [pathOf('c')]: { architecture: 'any' },
};

const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

test('adds for Docker the manifest.json that an OCI layout lacks', async (t) => {
  const made = [{ Config: pathOf('c'), RepoTags: ['docker.io/library/new:1'], Layers: [pathOf('1')] }];
  const single = { ...layout, 'index.json': { manifests: [tagged(digestOf('a'), 'one')] } };
  t.deepEqual((await rename(single, true))['manifest.json'], made);
  t.is((await rename(single))['manifest.json'], undefined, 'only for Docker');
  const platforms = [
    { digest: digestOf('b'), platform: { os: 'linux', architecture: 's390x' } },
    { digest: digestOf('a'), platform: { os: 'linux', architecture } },
  ];
  const several = { ...layout, [pathOf('d')]: { manifests: platforms } };
  const index = { manifests: [tagged(digestOf('d'), 'one')] };
  t.deepEqual((await rename({ 'index.json': index, ...several }, true))['manifest.json'], made);
});

for (const [blob, message] of [
  [undefined, /it lacks blobs\/sha256\/a+, or it is not JSON$/],
  [{ config: { digest: '../../etc/passwd' }, layers: [] }, /blobs\/sha256\/a+: "config\.digest"/],
  [{ manifests: [{ digest: digestOf('a'), platform: { os: 'plan9' } }] }, /it has none for linux\//],
  [{ manifests: [{ digest: digestOf('a'), platform: { os: 'linux', architecture } }] }, /names an index$/],
] as const)
  test(`rejects for Docker an OCI layout without a usable manifest: ${message}`, async (t) => {
    const files = {
      ...layout,
      [pathOf('a')]: blob,
      'index.json': { manifests: [tagged(digestOf('a'), 'one')] },
    };
    await t.throwsAsync(rename(JSON.parse(JSON.stringify(files)), true), { message });
  });
