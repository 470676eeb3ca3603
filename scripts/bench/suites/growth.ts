import { createServer, type Server } from 'node:net';
import { CONFIG, stage, startAgent } from '../agent.js';
import { load, type Request } from '../load.js';
import { type Running, using } from '../processes.js';
import { keptJob, someGuest, waitingJob, writeState } from '../seed.js';
import { ratios } from '../statistics.js';
import type { Figure, Pace, Suite } from '../suite.js';
import { endToEnd } from './jobs.js';

const SIZES = [10, 100, 1000, 10_000];
/** The longest queue of a guest. */
const WAITING_A_GUEST = 100;
const TIMES = 50;

interface Grown {
  size: number;
  agent: Running;
  /** A guest without actions. */
  guestId: string;
}

interface Cost {
  name: string;
  /** Milliseconds. */
  measure: (grown: Grown, pace: Pace) => Promise<number>;
}

const underLoad =
  (request: (guestId: string) => Request): Cost['measure'] =>
  async ({ agent, guestId }, { seconds }) =>
    1000 / (await load(agent.url, request(guestId), seconds / 2)).rate;

const get = (path: (guestId: string) => string): Cost['measure'] =>
  underLoad((guestId) => ({ method: 'GET', path: path(guestId), status: 200 }));

const oneGuest: Cost = { name: 'one guest', measure: get((id) => `/guests/${id}`) };
const page: Cost = { name: 'a page of 5 guests', measure: get(() => '/guests?limit=5') };
const metrics: Cost = { name: 'cpu metrics', measure: get((id) => `/guests/${id}/metrics/cpu`) };
const pageOfJobs: Cost = { name: 'a page of 5 jobs', measure: get(() => '/jobs?limit=5') };
const job: Cost = {
  name: 'a job, POST to Complete',
  measure: ({ agent, guestId }) => endToEnd(agent, guestId, TIMES),
};

/** Measures a cost at each size, in turns, and the ratio of the largest to the smallest. */
const measureAt = async (
  what: string,
  grown: readonly Grown[],
  { name, measure }: Cost,
  pace: Pace,
): Promise<Figure[]> => {
  const rounds = grown.map((): number[] => []);
  for (const each of grown) await measure(each, pace);
  for (let round = 0; round < pace.rounds; round += 1)
    for (const [index, each] of grown.entries()) rounds[index]?.push(await measure(each, pace));
  const [smallest = []] = rounds;
  return [
    ...grown.map(({ size }, index) => ({
      name: `${name}, ${size} ${what}`,
      unit: 'ms',
      values: rounds[index] ?? [],
    })),
    {
      name: '… the last over the first',
      unit: 'times',
      values: ratios(rounds.at(-1) ?? [], smallest),
      target: { atMost: 1.2 },
    },
  ];
};

const grow = async (
  what: string,
  startAt: (size: number) => Promise<Grown>,
  costs: readonly Cost[],
  pace: Pace,
): Promise<Figure[]> => {
  const grown: Grown[] = [];
  for (const size of SIZES) grown.push(await startAt(size));
  const agents = grown.map(({ agent }) => agent);
  return using(agents, async () => {
    const figures: Figure[] = [];
    for (const cost of costs) figures.push(...(await measureAt(what, grown, cost, pace)));
    return figures;
  });
};

const withGuests = async (size: number): Promise<Grown> => {
  const guests = Array.from({ length: size }, someGuest);
  const agent = await startAgent((dbpath) => writeState(dbpath, guests));
  return { size, agent, guestId: String(guests.at(-1)?.id) };
};

const withJobs = async (size: number): Promise<Grown> => {
  const guest = someGuest();
  const jobs = Array.from({ length: size }, () => keptJob(guest.id));
  const agent = await startAgent((dbpath) => writeState(dbpath, [guest], jobs));
  return { size, agent, guestId: guest.id };
};

/** Starts a sub-agent that accepts calls and never responds. */
const startSilent = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer((socket) => socket.on('error', () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
};

const withWaiting =
  (port: number) =>
  async (size: number): Promise<Grown> => {
    const busy = Array.from({ length: Math.ceil(size / WAITING_A_GUEST) }, someGuest);
    const idle = someGuest();
    const jobs = Array.from({ length: size }, (_, index) =>
      waitingJob(String(busy[index % busy.length]?.id), 'reboot'),
    );
    const config = {
      services: { ...CONFIG.services, silent: { port } },
      actions: { ...CONFIG.actions, reboot: stage('Silent.Reboot', 'silent') },
    };
    const agent = await startAgent((dbpath) => writeState(dbpath, [...busy, idle], jobs), config);
    return { size, agent, guestId: idle.id };
  };

const run = async (pace: Pace): Promise<Figure[]> => {
  const { server, port } = await startSilent();
  try {
    return [
      ...(await grow('guests', withGuests, [oneGuest, page, metrics, job], pace)),
      ...(await grow('jobs', withJobs, [pageOfJobs, job], pace)),
      ...(await grow('waiting actions', withWaiting(port), [oneGuest, job], pace)),
    ];
  } finally {
    server.close();
  }
};

export const growth: Suite = {
  name: 'growth',
  title: 'Requests and jobs as guests, jobs and waiting actions grow from 10 to 10,000',
  run,
};
