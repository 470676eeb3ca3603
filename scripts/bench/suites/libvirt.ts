import { chmod, copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axios from 'axios';
import { execa } from 'execa';
import pLimit from 'p-limit';
import { type Boot, bootByAgent, untilWritten } from '../first-boot.js';
import { type Libvirt, obstacle, startLibvirt } from '../libvirt/daemon.js';
import { domainXml } from '../libvirt/domain.js';
import { Virsh } from '../libvirt/virsh.js';
import { using } from '../processes.js';
import { type RealAgent, startRealAgent } from '../real-agent.js';
import { median, ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { timed } from '../timed.js';
import { untilReported } from '../truth.js';

/** Boots per round of the pace: their times vary more than other figures. */
const BOOTS = 2;
const GUESTS = 1000;
/** How many of them run. */
const RUNNING = 5;
const JOB_SECONDS = 600;
const AT_ONCE = 8;
/** Questions per round, of which the median counts. */
const QUESTIONS = 10;

/** Both sides, with the same image. */
interface Sides {
  agent: RealAgent;
  libvirt: Libvirt;
  virsh: Virsh;
  /** The command line of the agent's QEMU. */
  command: readonly string[];
}

/** A domain's files are named after it. */
const domainOf = ({ dir }: Libvirt, name: string) => ({
  ...{ name, disk: join(dir, `${name}.qcow2`), xml: join(dir, `${name}.xml`) },
  ...{ serial: join(dir, `${name}.sock`), serialLog: join(dir, `${name}.log`) },
});

const baseOf = ({ dir }: Libvirt): string => join(dir, 'image.qcow2');

const makeDisk = (libvirt: Libvirt, disk: string): Promise<unknown> =>
  execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', baseOf(libvirt), '-F', 'qcow2', disk]);

/** Makes a disk, defines a domain and starts it, which the agent does for one POST; then removes all of it. */
const bootByLibvirt = async ({ libvirt, virsh, command }: Sides): Promise<Boot> => {
  const domain = domainOf(libvirt, 'boots');
  const startedAt = performance.now();
  const start = async (): Promise<number> => {
    await makeDisk(libvirt, domain.disk);
    await writeFile(domain.xml, domainXml(domain, command));
    await virsh.run(`define ${domain.xml}`);
    await virsh.run(`start ${domain.name}`);
    return performance.now() - startedAt;
  };
  const [ready, spoke] = await Promise.all([start(), untilWritten(domain.serialLog, startedAt)]);
  await virsh.run(`destroy ${domain.name}`);
  await virsh.run(`undefine ${domain.name}`);
  for (const file of [domain.disk, domain.xml, domain.serial, domain.serialLog])
    await rm(file, { force: true });
  return { ready, spoke };
};

/** Compares values of ours with libvirt's, round by round. */
const compared = (
  [ourName, theirName]: readonly [string, string],
  ours: readonly number[],
  theirs: readonly number[],
  atMost: number,
): Figure[] => [
  { name: ourName, unit: 'ms', values: ours },
  { name: theirName, unit: 'ms', values: theirs },
  { name: '… ours over it, round by round', unit: 'times', values: ratios(ours, theirs), target: { atMost } },
];

const boots = async (sides: Sides, { rounds }: Pace): Promise<Figure[]> => {
  const [ours, theirs]: [Boot[], Boot[]] = [[], []];
  const ways = [
    async () => void ours.push(await bootByAgent(sides.agent)),
    async () => void theirs.push(await bootByLibvirt(sides)),
  ];
  for (let round = 0; round < rounds * BOOTS; round += 1)
    for (const way of round % 2 ? ways : ways.toReversed()) await way();
  const times = (list: readonly Boot[], key: keyof Boot): number[] => list.map((boot) => boot[key]);
  return [
    ...compared(
      ['POST /guests to the first serial output', 'qemu-img create, virsh define, virsh start to the same'],
      times(ours, 'spoke'),
      times(theirs, 'spoke'),
      1,
    ),
    ...compared(
      ['POST /guests?wait to its response', 'qemu-img create, virsh define, virsh start'],
      times(ours, 'ready'),
      times(theirs, 'ready'),
      1,
    ),
  ];
};

/** Makes guests that are off, of a template, and starts a few. */
const fillAgent = async ({ client, image }: RealAgent): Promise<string[]> => {
  const wait = { wait: JOB_SECONDS };
  const { body } = await client.guests.create({ memory: 128, cpu: 1, disks: [{ image }] }, wait);
  await client.guests.perform(body.id, 'poweroff', wait);
  await client.guests.update(body.id, { template: true }, wait);
  const limit = pLimit(AT_ONCE);
  const cloned = Array.from({ length: GUESTS - 1 }, () =>
    limit(() => client.guests.clone(body.id, {}, wait)),
  );
  const ids = (await Promise.all(cloned)).map((clone) => clone.body.id);
  const running = ids.slice(0, RUNNING);
  for (const id of running) await client.guests.perform(id, 'start', wait);
  return running;
};

/** Defines as many domains, with a disk each, and starts as many. */
const fillLibvirt = async ({ libvirt, virsh, command }: Sides): Promise<void> => {
  const empty = join(libvirt.dir, 'empty.qcow2');
  await makeDisk(libvirt, empty);
  for (let count = 0; count < GUESTS; count += 1) {
    const domain = domainOf(libvirt, `guest-${count}`);
    await copyFile(empty, domain.disk);
    await writeFile(domain.xml, domainXml(domain, command));
    await virsh.run(`define ${domain.xml}`);
    if (count < RUNNING) await virsh.run(`start ${domain.name}`);
  }
};

/** @throws unless an answer has all guests */
const requireAll = (answer: string, pattern: RegExp): void => {
  const found = answer.match(pattern)?.length ?? 0;
  if (found !== GUESTS) throw new Error(`an answer has ${found} guests instead of ${GUESTS}`);
};

/** Ways to ask both sides the same, over an open connection or by a program. */
const states = async ({ agent, libvirt, virsh }: Sides, { rounds }: Pace): Promise<Figure[]> => {
  const get = async (path: string): Promise<string> => {
    const options = {
      responseType: 'text',
      transformResponse: (text: string) => text,
      proxy: false,
    } as const;
    return (await axios.get<string>(`${agent.url}${path}`, options)).data;
  };
  const curl = (path: string): Promise<unknown> => execa('curl', ['-sSf', `${agent.url}${path}`]);
  const program = (...args: string[]): Promise<unknown> => execa('virsh', ['-c', libvirt.uri, ...args]);
  requireAll(await get('/guests'), /"state":/g);
  requireAll(await virsh.run('list --all'), /guest-/g);
  requireAll(await virsh.run('domstats'), /^Domain:/gm);
  const ways = {
    'GET /guests': () => get('/guests'),
    'virsh list --all': () => virsh.run('list --all'),
    'virsh domstats': () => virsh.run('domstats'),
    'GET /metrics': () => get('/metrics'),
    'curl /guests?fields=id,state': () => curl('/guests?fields=id,state'),
    'curl /guests': () => curl('/guests'),
    'virsh list --all, as a program': () => program('list', '--all'),
    'virsh domstats, as a program': () => program('domstats'),
  };
  const taken = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const asked = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
    // In turns, so that other work on the machine affects all of them.
    for (let question = 0; question < QUESTIONS; question += 1)
      for (const [name, ask] of Object.entries(ways)) asked.get(name)?.push(await timed(ask));
    for (const [name, values] of asked) taken.get(name)?.push(median(values));
  }
  const compare = (ours: keyof typeof ways, theirs: keyof typeof ways): Figure[] =>
    compared(
      [`${ours} of ${GUESTS}, ${RUNNING} of them running`, theirs],
      taken.get(ours) ?? [],
      taken.get(theirs) ?? [],
      0.2,
    );
  return [
    ...compare('GET /guests', 'virsh list --all'),
    ...compare('GET /guests', 'virsh domstats'),
    ...compare('GET /metrics', 'virsh domstats'),
    ...compare('curl /guests?fields=id,state', 'virsh list --all, as a program'),
    ...compare('curl /guests', 'virsh domstats, as a program'),
  ];
};

const run = async (pace: Pace): Promise<Figure[]> => {
  const missing = await obstacle();
  if (missing !== undefined) {
    console.error(`bench: skips libvirt: ${missing}`);
    return [];
  }
  const agent = await startRealAgent();
  return using([agent], async () => {
    // This also warms the host up.
    const { command } = await bootByAgent(agent);
    const libvirt = await startLibvirt(String(command[command.indexOf('-accel') + 1]));
    try {
      await copyFile(join(agent.dbpath, 'storage/images', `${agent.image}.qcow2`), baseOf(libvirt));
      await chmod(baseOf(libvirt), 0o644);
      const virsh = await Virsh.connect(libvirt.uri);
      const sides = { agent, libvirt, virsh, command };
      await bootByLibvirt(sides);
      const booted = await boots(sides, pace);
      await fillLibvirt(sides);
      await untilReported(agent, await fillAgent(agent), 'running', JOB_SECONDS * 1000);
      return [...booted, ...(await states(sides, pace))];
    } finally {
      await libvirt.stop();
    }
  });
};

/** Compares with libvirt, which gets the same guest, devices and accelerator. */
export const libvirt: Suite = {
  name: 'libvirt',
  title: `Next to libvirt, the same guest: its start, and the state of ${GUESTS} guests`,
  onlyWhenNamed: true,
  run,
};
