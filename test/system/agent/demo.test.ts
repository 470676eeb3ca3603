import { access } from 'node:fs/promises';
import { runDemo } from '../../../scripts/demo.js';
import { needs } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'syslinux', 'mcopy', 'sfdisk', 'cpio');

test('the demo lives the whole life of a real guest, and leaves nothing behind', async (t) => {
  const { url, dbpath, client } = await startRealAgent(t);
  const said: string[] = [];
  await runDemo({ url, dbpath, bridge: `mt${process.pid}`, say: (line) => said.push(line) });
  t.is(said.at(-1), 'nothing is left behind', said.join('\n'));
  t.deepEqual((await client.guests.list()).items, []);
  t.deepEqual((await client.images.list()).items, []);
  await t.throwsAsync(access(`/sys/class/net/mt${process.pid}`), { code: 'ENOENT' });
});
