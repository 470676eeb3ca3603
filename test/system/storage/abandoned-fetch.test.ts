import { readdir } from 'node:fs/promises';
import { Locks } from '../../../lib/async/keyed-locks.js';
import { CANCEL_PATH } from '../../../lib/rpc/protocol/calls.js';
import type { DiskStore } from '../../../lib/subagents/storage/disk-store.js';
import { ImageFetcher } from '../../../lib/subagents/storage/images/fetcher.js';
import { Sums } from '../../../lib/subagents/storage/images/sums.js';
import { loopbackGuard as guard } from '../../helpers/loopback.js';
import { needs } from '../../helpers/needs.js';
import { asDisk } from '../../helpers/raw-disk.js';
import { serveHttp, startTestStorage } from '../../helpers/storage.js';
import { silentLog } from '../../helpers/sub-agents.js';
import { tempDir } from '../../helpers/temp.js';
import { gate } from '../../helpers/wait.js';

needs(
  'qemu-img',
  'prlimit',
  'setpriv',
)('cancels a fetch a while after its last caller has gone, and leaves nothing', async (t) => {
  const workDir = await tempDir(t);
  const { opened: started, open: start } = gate();
  const source = await serveHttp(t, (_, response) => {
    response.writeHead(200, { 'content-length': 2 ** 20 });
    response.write(Buffer.alloc(1000, 1), start);
  });
  const store = { workDir, findImage: async () => undefined } as Partial<DiskStore> as DiskStore;
  const sums = new Sums(workDir);
  const fetcher = new ImageFetcher({
    ...{ store, sums, locks: new Locks(), log: silentLog, guard, importDirs: [] },
    abandonedMs: 10,
  });
  const waiter = new AbortController();
  const image = fetcher.fetch('a', { source }, { signal: waiter.signal });
  await started;
  waiter.abort();
  await t.throwsAsync(image, { message: /no caller has waited for it/ });
  t.deepEqual(await readdir(workDir), []);
});

needs(
  'qemu-img',
  'prlimit',
  'setpriv',
)('ends a cancelled fetch at once, so that the id is free for another source', async (t) => {
  const storage = await startTestStorage(t);
  const { opened: started, open: start } = gate();
  const url = await serveHttp(t, ({ url: path }, response) => {
    if (path === '/good') return response.end(asDisk(Buffer.alloc(2 ** 20, 1)));
    response.writeHead(200, { 'content-length': 2 ** 20 });
    return response.write(asDisk(Buffer.alloc(100_000, 1)), () => start());
  });
  const request = (path: string): object => ({ id: 'a', type: 'kvm', dest: '', source: `${url}${path}` });
  const stuck = storage.call('RequestImage', request('/stuck'));
  await started;
  const cancel = (job: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${storage.port}${CANCEL_PATH}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ job }),
    });
  t.is((await cancel('another-job')).status, 204);
  t.is((await cancel('a-job')).status, 204);
  const { images } = await storage.call('RequestImage', request('/good'));
  t.is(images[0]?.status, 'complete');
  await t.throwsAsync(stuck, { message: /^cancelled$|: cancelled$/ });
});
