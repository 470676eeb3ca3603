import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Job } from '../../../lib/model/job.js';
import { makeBridge } from '../../helpers/bridge.js';
import { needs } from '../../helpers/needs.js';
import { TINY } from '../../helpers/qemu.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { tempDir } from '../../helpers/temp.js';

// Guarantees: G38.

const test = needs('qemu-system-x86_64', 'qemu-img', 'setpriv', 'ip', 'root');

/** Starts two agents on one host. */
const startTwo = async (t: ExecutionContext): Promise<[RealAgent, RealAgent]> => {
  const host = await tempDir(t);
  const start = (): Promise<RealAgent> => startRealAgent(t, undefined, host);
  return [await start(), await start()];
};

const createGuest = async ({ client }: RealAgent, more: Record<string, unknown> = {}): Promise<string> => {
  const { body, jobId } = await client.guests.create({ ...TINY, ...more });
  await client.waitForJob(jobId);
  return body.id;
};

const jobOf = async ({ client }: RealAgent, id: string, action: 'start' | 'poweroff'): Promise<Job> =>
  client.waitForJob((await client.guests.perform(id, action)).jobId);

const pidOf = async ({ dbpath }: RealAgent, id: string): Promise<number> =>
  Number(await readFile(join(dbpath, 'run', id, 'pid'), 'utf8'));

const uidOf = async (agent: RealAgent, id: string): Promise<number> => {
  const status = await readFile(`/proc/${await pidOf(agent, id)}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
};

test('gives the guests of two agents on one host different uids, also after either was killed', async (t) => {
  const [one, other] = await startTwo(t);
  const first = await createGuest(one);
  const uid = await uidOf(one, first);
  await one.end('SIGKILL');
  const foreign = await uidOf(other, await createGuest(other));
  t.true(Math.abs(uid - foreign) >= 65_536, `${uid} and ${foreign}`);
  await one.start();
  t.is(await uidOf(one, first), uid);
  await jobOf(one, first, 'poweroff');
  await jobOf(one, first, 'start');
  t.is(await uidOf(one, first), uid);
  const second = await uidOf(one, await createGuest(one));
  t.not(second, uid);
  t.true(Math.abs(second - foreign) >= 65_536 - 2);
});

test('rejects a guest that another agent of the host has with 409, and leaves its taps alone', async (t) => {
  const [one, other] = await startTwo(t);
  const network = await makeBridge(t);
  const nics = [{ network, model: 'virtio', address: '', netmask: '', gateway: '', vlans: [] }];
  const id = await createGuest(one, { nics });
  const pid = await pidOf(one, id);
  const taps = await readdir(`/sys/class/net/${network}/brif`);
  t.is(taps.length, 1);
  await t.throwsAsync(other.client.guests.create({ id, ...TINY, nics }, { dryRun: true }), {
    message: new RegExp(`guest ${id} belongs to another agent of this host, with its state in ${one.dbpath}`),
  });
  // Also while the agent that has the guest does not run.
  await one.end('SIGKILL');
  const { jobId } = await other.client.guests.create({ id, ...TINY, nics });
  await t.throwsAsync(other.client.waitForJob(jobId), { message: /belongs to another agent of this host/ });
  await other.client.waitForJob((await other.client.guests.perform(id, 'delete')).jobId);
  t.deepEqual(await readdir(`/sys/class/net/${network}/brif`), taps);
  t.true(existsSync(`/proc/${pid}/exe`));
  await one.start();
  t.is((await one.client.guests.get(id)).state, 'running');
  await one.client.waitForJob((await one.client.guests.perform(id, 'delete')).jobId);
  t.is(await createGuest(other, { id, nics }), id);
});

test('creates one of two guests with the same id that two agents get at the same time', async (t) => {
  const [one, other] = await startTwo(t);
  const id = randomUUID();
  const outcomes = await Promise.allSettled([one, other].map((agent) => createGuest(agent, { id })));
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});
