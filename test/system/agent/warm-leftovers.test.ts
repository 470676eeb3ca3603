import { readdir, readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import { finishJob } from '../../helpers/agent-linux.js';
import { LINUX_PARTS } from '../../helpers/linux-guest.js';
import { needsInTurn } from '../../helpers/needs.js';
import { childrenOf, processesWith } from '../../helpers/processes.js';
import { numberFrom } from '../../helpers/property.js';
import { type RealAgent, startRealAgent } from '../../helpers/real-agent.js';
import { until } from '../../helpers/wait.js';
import { makeTemplate, startClone, WHEN_UP } from '../../helpers/warm-template.js';

// Guarantees: G58.

const test = needsInTurn(...LINUX_PARTS, 'perl');

/** `npm run torture -- warm` raises it. */
const STARTS = numberFrom('MISTIFY_WARM_STARTS') ?? 10;
/** The caches of the sub-agents are filled by then. */
const SETTLED = Math.min(50, STARTS / 2);
/** Fewer say nothing of the memory. */
const MIN_FOR_MEMORY = 100;
/** What a sub-agent's memory may differ by between two looks. */
const NOISE_MB = 12;
const KB_PER_MB = 1024;

/** Adds up the memory that the agent and its sub-agents use, in MB. */
const pssOf = async (pids: readonly number[]): Promise<number> => {
  let kilobytes = 0;
  for (const pid of pids) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    kilobytes += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1]);
  }
  return kilobytes / KB_PER_MB;
};

const filesIn = async (dir: string): Promise<string[]> => (await readdir(dir, { recursive: true })).sort();

interface Seen {
  files: string[];
  processes: number[];
  interfaces: string[];
  /** The open files and mappings of the agent and its sub-agents that concern guests. */
  held: string[];
}

const heldBy = async (pid: number): Promise<string[]> => {
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8');
  const names = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return [...links, ...maps.split('\n').map((line) => line.slice(line.indexOf('/')))].filter((name) =>
    /memfd|\/guests\/|\/run\/[0-9a-f-]{36}/.test(name),
  );
};

/** Lists the process ids of the agent, which this process has started, and of its sub-agents. */
const programsOf = async (): Promise<number[]> => {
  const [agent = 0] = await childrenOf(process.pid);
  return [agent, ...(await childrenOf(agent))];
};

const look = async (agent: RealAgent, programs: readonly number[]): Promise<Seen> => ({
  files: [
    ...(await filesIn(join(agent.dbpath, 'qemu'))),
    ...(await filesIn(join(agent.dbpath, 'run'))),
    ...(await filesIn(join(agent.dbpath, 'storage'))),
  ],
  processes: await processesWith(agent.dbpath),
  interfaces: Object.keys(networkInterfaces()).sort(),
  held: (await Promise.all(programs.map(heldBy))).flat(),
});

const startAndDelete = async (t: ExecutionContext, agent: RealAgent, template: string): Promise<void> => {
  const { id, start } = await startClone(agent, template, 'clone');
  t.regex(start.Message, /resumed with the memory of template/);
  await finishJob(agent, agent.client.guests.delete(id));
};

test('clones that start warm and are deleted leave nothing behind', async (t) => {
  t.timeout(60_000 + STARTS * 10_000);
  const agent = await startRealAgent(t);
  const template = await makeTemplate(agent);
  await finishJob(agent, agent.client.guests.warm(template, WHEN_UP));
  await startAndDelete(t, agent, template);
  const programs = await programsOf();
  const before = await look(agent, programs);
  const samples: number[] = [];
  for (let count = 1; count <= STARTS; count += 1) {
    await startAndDelete(t, agent, template);
    samples.push(await pssOf(programs));
  }
  // Between two collections of garbage it grows; what has leaked raises the least, too.
  const [settled, after] = [samples.slice(0, SETTLED), samples.slice(-SETTLED)].map((part) =>
    Math.min(...part.slice(-part.length / 2)),
  ) as [number, number];
  t.log(`${STARTS} starts: ${settled.toFixed(1)} MB after ${SETTLED}, ${after.toFixed(1)} MB at the end`);
  t.log(samples.map((sample) => Math.round(sample)).join(' '));
  const isGone = async (): Promise<boolean> => isDeepStrictEqual(await look(agent, programs), before);
  // The last QEMU's descriptors are closed a moment after its deletion; what is left then is shown below.
  await until('nothing is left', isGone, 10_000).catch(() => undefined);
  t.deepEqual(await look(agent, programs), before);
  if (STARTS >= MIN_FOR_MEMORY) t.true(after < settled + NOISE_MB, `${settled} MB, and ${after} MB later`);
});
