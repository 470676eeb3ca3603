import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { MistifyClient } from '../../lib/client/index.js';
import { Refusal } from '../../lib/rpc/protocol/refusal.js';
import { serveApi } from '../helpers/api.js';

const UNUSED = [
  { id: 'busybox:1', type: 'container', size: 4 },
  { id: 'nginx:1.25', type: 'container', size: 180 },
];

const methods = {
  'Test.containerUnusedImages': () => ({ images: UNUSED }),
  'Test.containerPruneImages': () => ({ images: UNUSED, message: 'deleted 2 images, of 184 MB together' }),
} as const;

test('POST /container_images/prune lists in a dry run what it would delete, and deletes nothing', async (t) => {
  const { call, scripted } = await serveApi(t, { methods });
  const { status, body, jobId } = await call('POST', '/container_images/prune?dryRun=true');
  t.is(status, 200);
  t.deepEqual(body, { images: UNUSED });
  t.falsy(jobId);
  t.deepEqual(scripted.requests('Test.containerPruneImages'), []);
});

test('POST /container_images/prune deletes the images in a job about none of them', async (t) => {
  const { call, context } = await serveApi(t, { methods });
  const { status, body, jobId } = await call('POST', '/container_images/prune?wait=5');
  t.is(status, 200);
  t.deepEqual(body, { images: UNUSED });
  t.like(context.jobs.get(jobId ?? ''), {
    ...{ Action: 'containerPruneImages', GuestID: 'agent', ImageID: undefined, Status: 'Complete' },
    Message: 'deleted 2 images, of 184 MB together',
  });
});

test('GET /container_images/{id}/download passes the archive through', async (t) => {
  const { url, scripted } = await serveApi(t, {
    download: () => Readable.from(['the archive'], { objectMode: false }),
  });
  const { bytes } = await new MistifyClient({ url }).containerImages.download('docker.io/library/busybox:1');
  t.is(await text(bytes), 'the archive');
  t.deepEqual(scripted.requests('/download') as object[], [{ id: 'docker.io/library/busybox:1' }]);
});

test('GET /container_images/{id}/download is a 404 for an unknown image', async (t) => {
  const { call } = await serveApi(t, {
    download: ({ id }) => {
      throw new Refusal('not_found', `image ${id}: not found`);
    },
  });
  t.is((await call('GET', '/container_images/none/download')).status, 404);
});
