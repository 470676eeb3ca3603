import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { QmpClient } from '../../../lib/qmp/client.js';
import { SerialConsole } from '../../demo/serial-console.js';
import { makeDataImage } from '../data-image.js';
import { typeLine } from '../guest-console.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { timed } from '../timed.js';

const DISK_MB = 2048;
const DATA_MB = 300;
const MEMORY_MB = 128;
const JOB_SECONDS = 600;
const BOOT_SECONDS = 300;
const IMAGE = 'data';
/** The block nodes of the guest's disks. */
const NODES = ['disk0', 'disk1', 'disk2'];
/** The pause between two looks at whether QEMU responds, while a snapshot is deleted. */
const PROBE_MS = 2;
const QUIET_MS = 500;

/** Overwrites blocks all over a disk, so that a snapshot has clusters of its own. */
const CHANGE = [
  'for disk in vdb vdc; do n=0; while [ $n -lt 200 ]; do n=$((n+1))',
  'dd if=/dev/urandom of=/dev/$disk bs=64k count=1 seek=$(((RANDOM * 32768 + RANDOM) % 32768)) conv=notrunc 2> /dev/null',
  'done; done; sync; echo mistify-guest: chan""ged',
].join('; ');

const withQmp = async <T>(
  agent: RealAgent,
  guest: string,
  work: (qmp: QmpClient) => Promise<T>,
): Promise<T> => {
  const qmp = await QmpClient.connect(join(agent.runDir(guest), 'qmp-storage.sock'));
  try {
    return await work(qmp);
  } finally {
    qmp.close();
  }
};

const bootGuest = async (agent: RealAgent): Promise<{ id: string; console: SerialConsole }> => {
  const source = join(agent.dbpath, 'storage/import/data.raw');
  await makeDataImage(source, DISK_MB, DATA_MB);
  await agent.client.images.fetch(
    { id: IMAGE, source: `file://${source}`, format: 'raw' },
    { wait: JOB_SECONDS },
  );
  const disks = [{ image: agent.image }, { image: IMAGE }, { image: IMAGE }];
  const spec = { memory: MEMORY_MB, cpu: 1, disks };
  const { body } = await agent.client.guests.create(spec, { wait: JOB_SECONDS });
  const console = new SerialConsole(agent.serialLog(body.id));
  await console.waitFor('mistify-guest: up', { seconds: BOOT_SECONDS });
  await typeLine(agent, body.id, 'quiet');
  return { id: body.id, console };
};

const takeByHand = (qmp: QmpClient, name: string): Promise<unknown> =>
  qmp.execute('transaction', {
    actions: NODES.map((device) => ({ type: 'blockdev-snapshot-internal-sync', data: { device, name } })),
  });

const deleteByHand = async (qmp: QmpClient, name: string): Promise<void> => {
  for (const device of NODES) await qmp.execute('blockdev-snapshot-delete-internal-sync', { device, name });
};

/** Connects to the guest's screen, and waits until QEMU greets: that needs the lock which its processors need, too. */
const greet = async (agent: RealAgent, guest: string): Promise<void> => {
  const socket = connect(join(agent.runDir(guest), 'vnc.sock'));
  try {
    await once(socket, 'data');
  } finally {
    socket.destroy();
  }
};

/** Returns the longest time for which QEMU did not respond while `work` ran, in ms: its guest stood still for no longer. */
const longestStop = async (
  agent: RealAgent,
  guest: string,
  work: () => Promise<unknown>,
): Promise<number> => {
  let [longest, isOver] = [0, false];
  const probing = async (): Promise<void> => {
    while (!isOver) {
      longest = Math.max(longest, await timed(() => greet(agent, guest)));
      await delay(PROBE_MS);
    }
  };
  const probe = probing();
  try {
    await work();
  } finally {
    isOver = true;
    await probe;
  }
  return longest;
};

const change = async (agent: RealAgent, id: string, console: SerialConsole): Promise<void> => {
  await typeLine(agent, id, CHANGE);
  await console.waitFor('mistify-guest: changed', { seconds: BOOT_SECONDS });
};

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const agent = await startRealAgent();
  return using([agent], async () => {
    const { id, console } = await bootGuest(agent);
    const snapshots = agent.client.snapshotsOf(id);
    const [taken, byHand]: [number[], number[]] = [[], []];
    const [stops, handStops, quiet]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round <= rounds; round += 1) {
      const ours = await timed(() => snapshots.create('ours', { wait: JOB_SECONDS }));
      await change(agent, id, console);
      const stop = await longestStop(agent, id, () => snapshots.delete('ours', { wait: JOB_SECONDS }));
      const hand = await withQmp(agent, id, (qmp) => timed(() => takeByHand(qmp, 'hand')));
      await change(agent, id, console);
      const handStop = await longestStop(agent, id, () =>
        withQmp(agent, id, (qmp) => deleteByHand(qmp, 'hand')),
      );
      const nothing = await longestStop(agent, id, () => delay(QUIET_MS));
      // The first snapshot of a disk grows its tables.
      if (round === 0) continue;
      taken.push(ours);
      byHand.push(hand);
      stops.push(stop);
      handStops.push(handStop);
      quiet.push(nothing);
    }
    return [
      { name: 'snapshot of a running guest, three disks', unit: 'ms', values: taken },
      { name: '… QEMU alone (QMP transaction)', unit: 'ms', values: byHand },
      {
        name: '… over it, round by round',
        unit: 'times',
        values: ratios(taken, byHand),
        target: { atMost: 1.1 },
      },
      {
        name: 'deletion of a changed snapshot: the longest that QEMU stands still',
        unit: 'ms',
        values: stops,
        target: { atMost: 50 },
      },
      { name: '… by hand (QMP)', unit: 'ms', values: handStops },
      { name: '… while nothing is deleted, within half a second', unit: 'ms', values: quiet },
    ];
  });
};

export const snapshots: Suite = {
  name: 'snapshots',
  title: 'Snapshots of a running guest with three disks: taken, and deleted',
  onlyWhenNamed: true,
  run,
};
