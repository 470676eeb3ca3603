import { readdir } from 'node:fs/promises';
import { Locks } from '../../../lib/async/keyed-locks.js';
import type { DiskStore } from '../../../lib/subagents/storage/disk-store.js';
import { ImageFetcher } from '../../../lib/subagents/storage/images/fetcher.js';
import { Sums } from '../../../lib/subagents/storage/images/sums.js';
import { needs } from '../../helpers/needs.js';
import { serveHttp } from '../../helpers/storage.js';
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
    ...{ store, sums, locks: new Locks(), log: silentLog, importDirs: [] },
    abandonedMs: 10,
  });
  const waiter = new AbortController();
  const image = fetcher.fetch('a', { source }, { signal: waiter.signal });
  await started;
  waiter.abort();
  await t.throwsAsync(image, { message: /no caller has waited for it/ });
  t.deepEqual(await readdir(workDir), []);
});
