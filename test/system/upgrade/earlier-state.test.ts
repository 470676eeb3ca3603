import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EARLIER, layEarlierState, SNAPSHOT } from '../../helpers/earlier-state.js';
import { needs } from '../../helpers/needs.js';
import { connectQmp, pciDevices, runJob } from '../../helpers/qmp.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';

const test = needs('qemu-system-x86_64', 'qemu-img', 'root');

const MEMORY = { tag: 'memory', vmstate: 'disk0', devices: ['disk0'] };

type Action = 'suspend' | 'resume' | 'poweroff' | 'start';

/** Performs an action and returns the guest's state after it. */
const perform = async ({ client }: RealAgent, id: string, action: Action): Promise<string | undefined> => {
  const { jobId } = await client.guests.perform(id, action);
  await client.waitForJob(jobId);
  return (await client.guests.get(id)).state;
};

test('opens the state directory of an earlier version, whose guests run on with their hardware', async (t) => {
  let pid = '';
  let devices: string[] = [];
  const qmpOf = (dbpath: string): string => join(dbpath, 'run', EARLIER.running, 'qmp-storage.sock');
  const pidOf = (dbpath: string): Promise<string> =>
    readFile(join(dbpath, 'run', EARLIER.running, 'pid'), 'utf8');
  const agent = await startRealAgent(t, undefined, undefined, async (dbpath) => {
    await layEarlierState(t, dbpath);
    pid = await pidOf(dbpath);
    devices = await pciDevices(qmpOf(dbpath));
    const qmp = await connectQmp(qmpOf(dbpath));
    await runJob(qmp, 'snapshot-save', MEMORY);
    qmp.close();
  });
  const running = await agent.client.guests.get(EARLIER.running);
  t.is(running.state, 'running', agent.output());
  t.is(await pidOf(agent.dbpath), pid);
  t.like(running.machine, { layout: 1 });
  t.regex(running.machine?.type ?? '', /^pc-q35-\d/);
  t.is((await agent.client.jobsOf(EARLIER.running).list()).items.length, 2);
  t.is((await fetch(`${agent.url}/events?after=0&limit=1`)).status, 200);
  const snapshots = await agent.client.snapshotsOf(EARLIER.running).list();
  t.true(snapshots.items.some(({ id }) => id.endsWith(`@${SNAPSHOT}`)));

  t.is(await perform(agent, EARLIER.running, 'suspend'), 'paused');
  t.is(await perform(agent, EARLIER.running, 'resume'), 'running');
  t.is(await perform(agent, EARLIER.running, 'poweroff'), 'shutoff');
  t.is(await perform(agent, EARLIER.running, 'start'), 'running');
  t.deepEqual(await pciDevices(qmpOf(agent.dbpath)), devices);
  t.deepEqual((await agent.client.guests.get(EARLIER.running)).machine, running.machine);
  const qmp = await connectQmp(qmpOf(agent.dbpath));
  await t.notThrowsAsync(runJob(qmp, 'snapshot-load', MEMORY), 'memory that the earlier version saved');
  qmp.close();

  t.like(await agent.client.guests.get(EARLIER.off), { state: 'shutoff', machine: { layout: 1 } });
  t.is(await perform(agent, EARLIER.off, 'start'), 'running');
});
