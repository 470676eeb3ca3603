import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type GuestSpec, MistifyError } from '../../../lib/client/index.js';
import { needs } from '../../helpers/needs.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';

const test = needs('qemu-system-x86_64', 'qemu-img');

const disks = [{ size: 1 }];
const nic = { network: 'user', model: 'virtio' };

const rejectedAtOnce: [string, GuestSpec, number, RegExp][] = [
  ['no memory', { memory: 0 }, 400, /"memory" must be at least 1 MB, got 0/],
  ['a petabyte of memory', { memory: 2 ** 30 }, 400, /"memory" must be at most 67108864 MB, got 1073741824/],
  ['10,000 vCPUs', { cpu: 10_000 }, 400, /"cpu" must be at most 4096, got 10000/],
  [
    'an image that is not there',
    { disks: [{ image: 'no-such-thing' }] },
    404,
    /image no-such-thing is not on this host/,
  ],
  ['a disk of -1 MB', { disks: [{ size: -1 }] }, 400, /"disks\[0\].size" must be at least 0 MB, got -1/],
  ['an id with ../ in it', { id: '../../etc/passwd' }, 400, /"guest id" must be a UUID/],
  ['a NIC name with ../ in it', { nics: [{ ...nic, name: '../x' }] }, 400, /"nics\[0\].name"/],
  ['a device name with ../ in it', { disks: [{ size: 1, device: '../x' }] }, 400, /"disks\[0\].device"/],
  ['a malformed MAC address', { nics: [{ ...nic, mac: 'zz' }] }, 400, /"nics\[0\].mac"/],
];

const rejectedByTheJob: [string, GuestSpec, RegExp][] = [
  ['more memory than the host has', { memory: 2 ** 24, disks }, /memory/],
  ['more vCPUs than the machine type supports', { cpu: 1000, memory: 64, disks }, /cpu/i],
  [
    'a bridge that does not exist',
    { memory: 64, disks, nics: [{ ...nic, network: 'br-none' }] },
    /no bridge "br-none"/,
  ],
  ['an unknown NIC model', { memory: 64, disks, nics: [{ ...nic, model: 'warp' }] }, /warp/],
  ['an unknown bus', { memory: 64, disks: [{ size: 1, bus: 'warp' }] }, /warp/],
  ['a blank disk without a size', { memory: 64, disks: [{}] }, /size/],
];

const namesIn = (dir: string): Promise<string[]> => readdir(dir).catch(() => []);

/** Files of the sub-agents themselves, in the same directories. */
const OWN_FILES = ['lock', 'services'];

/** Lists the runtime files, records and disks of guests. */
const leftovers = async ({ dbpath }: RealAgent): Promise<string[]> =>
  (await Promise.all(['run', 'qemu/guests', 'storage/guests'].map((dir) => namesIn(join(dbpath, dir)))))
    .flat()
    .filter((name) => !OWN_FILES.includes(name));

test('rejects a malformed guest at once and creates nothing', async (t) => {
  const agent = await startRealAgent(t);
  for (const [what, spec, status, message] of rejectedAtOnce) {
    const error = await t.throwsAsync(agent.client.guests.create(spec), { instanceOf: MistifyError }, what);
    t.is(error?.status, status, what);
    t.regex(error?.message ?? '', message, what);
  }
  t.deepEqual((await agent.client.guests.list()).items, []);
  t.deepEqual(await leftovers(agent), []);
});

test('a guest that this host cannot run ends in state error, with the reason in its job, and leaves nothing behind', async (t) => {
  const agent = await startRealAgent(t);
  for (const [what, spec, message] of rejectedByTheJob) {
    const { jobId, body } = await agent.client.guests.create(spec);
    const error = await t.throwsAsync(agent.client.waitForJob(jobId), { instanceOf: MistifyError }, what);
    t.regex(error?.message ?? '', message, what);
    t.is((await agent.client.guests.get(body.id)).state, 'error', what);
    t.deepEqual(await leftovers(agent), [], what);
  }
});
