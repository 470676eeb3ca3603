import test from 'ava';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';
import { serveStreams, UBUNTU } from '../../helpers/simplestreams.js';

const SHA256 = '1'.repeat(64);

test.serial('searches the catalogue, and fetches an image of it by name with its sum', async (t) => {
  const { url: server } = await serveStreams(t, UBUNTU);
  const catalogue = new Map([
    ['ubuntu', { simplestreams: server }],
    ['off', { simplestreams: 'http://127.0.0.1:1' }],
  ]);
  const { url, scripted } = await serveApi(t, { catalogue });
  const search = await mistify(t, url, 'image', 'search', 'noble', '--arch', 'x86_64');
  t.regex(search.stdout, /^ID +TITLE .*\nubuntu\/24\.04 +ubuntu 24\.04 LTS .* +x86_64 +20260301 /);
  t.regex(
    search.stderr,
    /^source off \(http:\/\/127\.0\.0\.1:1\) cannot be read: .*; nothing is known of it$/,
  );
  const fetch = await mistify(t, url, 'image', 'fetch', 'ubuntu-24.04', '--wait');
  t.is(fetch.exitCode, 0, fetch.stderr);
  t.regex(fetch.stdout, /^fetch ubuntu\/24\.04: done/);
  const [request] = scripted.requests('Test.fetchImage');
  t.like(request, { id: 'ubuntu/24.04' });
  t.true(JSON.stringify(request).includes(`${server}/server/releases/noble/release-20260301/`));
});

test.serial('creates a guest from the catalogue: fetches the image first, unless it is there', async (t) => {
  const { url: server } = await serveStreams(t, UBUNTU);
  const catalogue = new Map([['ubuntu', { simplestreams: server }]]);
  const here = new Set<string>();
  const imagesHere = ({ id = '' }) => ({ images: here.has(id) ? [{ id, type: 'kvm', size: 64 }] : [] });
  const fetchImage = ({ id = '' }) => {
    here.add(id);
    return imagesHere({ id });
  };
  const methods = {
    'Test.listImages': () => ({ images: [...here].map((id) => ({ id, type: 'kvm', size: 64 })) }),
    'Test.getImage': imagesHere,
    'Test.fetchImage': fetchImage,
  };
  const { url, scripted, context } = await serveApi(t, { catalogue, methods });
  const create = (...args: string[]) =>
    mistify(t, url, 'guest', 'create', ...args, '--memory', '64', '--cpu', '1', '--wait');
  const dry = await create('ubuntu/noble', '--dry-run');
  t.regex(dry.stderr, /image ubuntu\/24\.04 would be fetched first; the guest itself was not checked/);
  const { exitCode, stdout, stderr } = await create('ubuntu/noble', '--name', 'web');
  t.is(exitCode, 0, stderr);
  t.regex(
    stderr,
    /^image ubuntu\/24\.04 \(.*\) is not on this host: fetching it from http.*\ncreate web: done/,
  );
  t.is(context.guests.list()[0]?.id, stdout);
  t.like(scripted.requests('Test.fetchImage').at(-1), { id: 'ubuntu/24.04', sha256: SHA256 });
  t.like(scripted.requests('Test.create')[0]?.guest, { image: 'ubuntu/24.04' });
  t.like(await create('windows'), { exitCode: 3 });
});
