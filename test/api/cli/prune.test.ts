import test from 'ava';
import { serveApi } from '../../helpers/api.js';
import { mistify } from '../../helpers/command-line.js';

const IMAGES = [
  { id: 'busybox:1', type: 'container', size: 4 },
  { id: 'nginx:1.25', type: 'container', size: 180 },
];
const VOLUMES = ['old', 'older'].map((name) => ({ name, guests: [] }));

const methods = {
  'Test.containerUnusedImages': () => ({ images: IMAGES }),
  'Test.containerPruneImages': () => ({ images: IMAGES, message: 'deleted 2 images, of 184 MB together' }),
  'Test.unusedVolumes': () => ({ volumes: VOLUMES }),
  'Test.pruneVolumes': () => ({ volumes: VOLUMES, message: 'deleted 2 volumes' }),
} as const;

const PRUNES = [
  ['image', 'Test.containerPruneImages', /busybox:1 {2}4 MB\nnginx:1\.25 {2}180 MB\n/, IMAGES],
  ['volume', 'Test.pruneVolumes', /old\nolder\n/, VOLUMES],
] as const;

for (const [word, method, listed, plan] of PRUNES) {
  test.serial(`${word} prune --dry-run lists what would go, and deletes nothing`, async (t) => {
    const { url, scripted } = await serveApi(t, { methods });
    const { exitCode, stdout, stderr } = await mistify(t, url, word, 'prune', '--dry-run');
    t.is(exitCode, 0);
    t.regex(stderr, listed);
    t.regex(stderr, new RegExp(`Would delete these 2 ${word}s\\.`));
    t.is(stdout, '');
    const json = await mistify(t, url, '--json', word, 'prune', '--dry-run');
    t.like(JSON.parse(json.stdout), plan);
    t.deepEqual(scripted.requests(method), []);
  });

  test.serial(`${word} prune deletes nothing without a terminal to ask at, and all with --yes`, async (t) => {
    const { url, scripted } = await serveApi(t, { methods });
    const asked = await mistify(t, url, word, 'prune');
    t.is(asked.exitCode, 2);
    t.regex(asked.stderr, new RegExp(`Delete these 2 ${word}s\\?.*--yes`, 's'));
    t.deepEqual(scripted.requests(method), []);
    const { exitCode, stdout } = await mistify(t, url, word, 'prune', '--yes', '--wait');
    t.is(exitCode, 0);
    t.regex(stdout, new RegExp(`^prune ${word}s: done in [\\d.]+ s: deleted 2 ${word}s`));
    t.is(scripted.requests(method).length, 1);
  });
}

test.serial('says that nothing is unused, and asks for no deletion', async (t) => {
  const { url, scripted } = await serveApi(t, {
    methods: { ...methods, 'Test.unusedVolumes': () => ({ volumes: [] }) },
  });
  const { exitCode, stderr } = await mistify(t, url, 'volume', 'prune', '--yes');
  t.is(exitCode, 0);
  t.regex(stderr, /No volume is unused\./);
  t.deepEqual(JSON.parse((await mistify(t, url, '--json', 'volume', 'prune', '--yes')).stdout), []);
  t.deepEqual(scripted.requests('Test.pruneVolumes'), []);
});

test.serial('volume prune deletes only what it has listed', async (t) => {
  const { url, scripted } = await serveApi(t, { methods });
  await mistify(t, url, 'volume', 'prune', '--yes', '--wait');
  t.like(scripted.requests('Test.pruneVolumes')[0], { names: ['old', 'older'] });
});
