import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Backup } from '../../../lib/client/index.js';
import { SerialConsole } from '../../demo/serial-console.js';
import { makeDataImage } from '../data-image.js';
import { typeLine } from '../guest-console.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { WriteLatency } from '../write-latency.js';

const DISK_MB = 2048;
const DATA_MB = 600;
const MB = 2 ** 20;
/** The blocks of 64 kB that the guest changes: 1% of its disk. */
const CHANGED = 328;
const MEMORY_MB = 128;
const JOB_SECONDS = 600;
/** The length of a round without a backup. */
const QUIET_MS = 15_000;
const P99 = 0.99;

const BOOT_SECONDS = 300;
const IMAGE = 'data';

/** Copies blocks of the data over random others, as an ordinary program that changes its data. */
const CHANGE = [
  `n=0; while [ $n -lt ${CHANGED} ]; do n=$((n+1))`,
  'from=$(((RANDOM * 32768 + RANDOM) % 9600)); to=$(((RANDOM * 32768 + RANDOM) % 32768))',
  'dd if=/dev/vdb of=/dev/vdb bs=64k count=1 skip=$from seek=$to conv=notrunc 2> /dev/null',
  'done; sync; echo mistify-guest: chan""ged',
].join('; ');

/** Writes synced blocks of 4 kB at random places for ever. */
const WRITE =
  'while dd if=/dev/zero of=/dev/vdb bs=4k count=1 seek=$((RANDOM * 4)) conv=notrunc,fsync 2> /dev/null; do :; done';

interface Guest {
  id: string;
  console: SerialConsole;
}

const addImage = async ({ client, dbpath }: RealAgent): Promise<void> => {
  const source = join(dbpath, 'storage/import/data.raw');
  await makeDataImage(source, DISK_MB, DATA_MB);
  await client.images.fetch({ id: IMAGE, source: `file://${source}`, format: 'raw' }, { wait: JOB_SECONDS });
};

const bootGuest = async (agent: RealAgent): Promise<Guest> => {
  const disks = [{ image: agent.image }, { image: IMAGE }];
  const { body } = await agent.client.guests.create(
    { memory: MEMORY_MB, cpu: 1, disks },
    { wait: JOB_SECONDS },
  );
  const console = new SerialConsole(agent.serialLog(body.id));
  await console.waitFor('mistify-guest: up', { seconds: BOOT_SECONDS });
  await typeLine(agent, body.id, 'quiet');
  return { id: body.id, console };
};

interface Timed {
  backup: Backup;
  ms: number;
  /** What the repository grew by, in MB. */
  stored: number;
}

const repositoryMb = async ({ dbpath }: RealAgent): Promise<number> => {
  const dir = join(dbpath, 'backup/repository/data');
  const files = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = files
    .filter((file) => file.isFile())
    .map(async (file) => (await stat(join(file.parentPath, file.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0) / MB;
};

const backUp = async (agent: RealAgent, guest: string): Promise<Timed> => {
  const { client } = agent;
  const before = await repositoryMb(agent);
  const startedAt = performance.now();
  const { body } = await client.backupsOf(guest).create({ wait: JOB_SECONDS });
  const ms = performance.now() - startedAt;
  return { backup: await client.backups.get(body.id), ms, stored: (await repositoryMb(agent)) - before };
};

/** Measures what a full backup, the next one, and one of another guest of the same image read and store. */
const sizes = async (): Promise<Figure[]> => {
  const agent = await startRealAgent();
  return using([agent], async () => {
    await addImage(agent);
    const guest = await bootGuest(agent);
    const full = await backUp(agent, guest.id);
    await typeLine(agent, guest.id, CHANGE);
    await guest.console.waitFor('mistify-guest: changed', { seconds: BOOT_SECONDS });
    const next = await backUp(agent, guest.id);
    const other = await bootGuest(agent);
    const second = await backUp(agent, other.id);
    return [
      { name: `first backup of ${DISK_MB} MB with ${DATA_MB} MB of data`, unit: 'ms', values: [full.ms] },
      { name: '… stored', unit: 'MB', values: [full.stored] },
      { name: 'next backup, 1% changed', unit: 'ms', values: [next.ms] },
      { name: '… over the first', unit: 'times', values: [next.ms / full.ms], target: { atMost: 0.25 } },
      {
        name: '… read, of the disk',
        unit: '',
        values: [next.backup.read / (DISK_MB * MB)],
        target: { atMost: 0.05 },
      },
      { name: '… stored', unit: 'MB', values: [next.stored], target: { atMost: 20 } },
      {
        name: 'another guest of the same image: stored, over the first',
        unit: 'times',
        values: [second.stored / full.stored],
        target: { atMost: 0.1 },
      },
    ];
  });
};

/** Measures the guest's own synced writes, without a backup and while everything is backed up. */
const writes = async ({ rounds }: Pace): Promise<Figure[]> => {
  const agent = await startRealAgent();
  return using([agent], async () => {
    await addImage(agent);
    const { id } = await bootGuest(agent);
    const latency = new WriteLatency(agent, id, 1);
    const [quiet, during]: [number[], number[]] = [[], []];
    await typeLine(agent, id, WRITE);
    for (let round = 1; round <= rounds; round += 1) {
      await latency.start();
      await delay(QUIET_MS);
      quiet.push((await latency.quantile(P99)).ms);
      await latency.start();
      const { backup } = await backUp(agent, id);
      during.push((await latency.quantile(P99)).ms);
      // The next backup reads everything again.
      await agent.client.backups.delete(backup.id, { wait: JOB_SECONDS });
    }
    return [
      { name: "99th percentile of a guest's synced writes of 4 kB", unit: 'ms', values: quiet },
      { name: '… during a backup', unit: 'ms', values: during },
      {
        name: '… over the first, round by round',
        unit: 'times',
        values: ratios(during, quiet),
        target: { atMost: 1.5 },
      },
    ];
  });
};

export const backup: Suite = {
  name: 'backup',
  title:
    'Backups of a guest with a disk of 2 GiB: the first, the next, another guest, and its own writes meanwhile',
  onlyWhenNamed: true,
  run: async (pace) => [...(await sizes()), ...(await writes(pace))],
};
