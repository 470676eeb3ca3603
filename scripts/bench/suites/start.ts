import { setTimeout as delay } from 'node:timers/promises';
import { startAgent } from '../agent.js';
import { memoryOf, using } from '../processes.js';
import { keptJob, someGuest, writeState } from '../seed.js';
import type { Figure, Pace, Suite } from '../suite.js';

const GUESTS = 10_000;
const JOBS = 100_000;
const SETTLE_MS = 3000;

const startOnce = async (guestCount: number, jobCount: number): Promise<{ ms: number; mb: number }> => {
  const guests = Array.from({ length: guestCount }, someGuest);
  const jobs = Array.from({ length: jobCount }, (_, index) =>
    keptJob(String(guests[index % guests.length]?.id)),
  );
  const agent = await startAgent((dbpath) => writeState(dbpath, guests, jobs));
  return using([agent], async () => {
    await delay(SETTLE_MS);
    return { ms: agent.startMs, mb: (await memoryOf(agent.pid)).now };
  });
};

const run = async ({ rounds }: Pace): Promise<Figure[]> => {
  const [empty, full, memory]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    empty.push((await startOnce(1, 0)).ms / 1000);
    const { ms, mb } = await startOnce(GUESTS, JOBS);
    full.push(ms / 1000);
    memory.push(mb);
  }
  return [
    { name: 'from the start to the first response, empty', unit: 's', values: empty },
    { name: '… with 10,000 guests and 100,000 jobs', unit: 's', values: full, target: { atMost: 3 } },
    { name: '… its memory then', unit: 'MB', values: memory },
  ];
};

export const start: Suite = {
  name: 'start',
  title: 'From the start of the agent to its first response',
  run,
};
