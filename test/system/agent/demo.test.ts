import { access } from 'node:fs/promises';
import { runDemo } from '../../../scripts/demo.js';
import { needs } from '../../helpers/needs.js';
import { startRealAgent } from '../../helpers/real-agent.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'syslinux', 'mcopy', 'sfdisk', 'cpio');

test('the demo runs a real guest through its whole life and leaves nothing behind', async (t) => {
  const { url, dbpath, client } = await startRealAgent(t);
  const lines: string[] = [];
  await runDemo({ url, dbpath, bridge: `mt${process.pid}`, say: (line) => lines.push(line) });
  t.is(lines.at(-1), 'nothing is left behind', lines.join('\n'));
  t.deepEqual((await client.guests.list()).items, []);
  t.deepEqual((await client.images.list()).items, []);
  await t.throwsAsync(access(`/sys/class/net/mt${process.pid}`), { code: 'ENOENT' });
});
