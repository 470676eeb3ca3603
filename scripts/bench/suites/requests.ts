import { longestStall, startAgent, waitUntilIdle } from '../agent.js';
import { type Load, type Loaded, loadInTurn, type Request } from '../load.js';
import { memoryOf, type Running, using } from '../processes.js';
import { someGuest, writeState } from '../seed.js';
import type { Figure, Pace, Suite, Target } from '../suite.js';
import { type BareResponse, responseOf, startBare } from '../yardstick.js';

interface Measured extends Request {
  name: string;
  /** For requests per second. */
  target?: Target;
  /** For the 99th percentile, in milliseconds. */
  p99Target?: Target;
}

const requestsFor = (guestId: string): Measured[] => [
  { name: 'one guest', method: 'GET', path: `/guests/${guestId}`, status: 200, target: { ofBare: 0.45 } },
  {
    name: 'list of 100 guests',
    method: 'GET',
    path: '/guests?limit=100',
    status: 200,
    target: { atLeast: 3000 },
  },
  {
    name: 'cpu metrics, one call to a sub-agent',
    method: 'GET',
    path: `/guests/${guestId}/metrics/cpu`,
    status: 200,
    target: { atLeast: 4000 },
  },
  {
    name: 'create a guest: job submission, durable',
    method: 'POST',
    path: '/guests',
    status: 202,
    body: '{"memory":128,"cpu":1}',
    target: { atLeast: 2000 },
    p99Target: { atMost: 40 },
  },
];

const LIST: Measured = { name: 'list of 10,000 guests', method: 'GET', path: '/guests', status: 200 };

const responsesOf = async ({ url }: Running, measured: readonly Measured[]): Promise<BareResponse[]> => {
  const responses = [];
  // One after the other: some requests create a guest.
  for (const request of measured) responses.push(await responseOf(url, request));
  return responses;
};

const rates = (rounds: readonly Load[]): number[] => rounds.map(({ rate }) => rate);
const latencies = (rounds: readonly Load[]): number[] => rounds.map(({ p99 }) => p99);

const measure = async (agent: Running, measured: readonly Measured[], pace: Pace): Promise<Figure[]> => {
  const bare = await startBare(await responsesOf(agent, measured));
  return using([bare], async () => {
    const figures: Figure[] = [];
    for (const { name, target, p99Target, ...request } of measured) {
      const stalls: number[] = [];
      const ofAgent: Loaded = {
        url: agent.url,
        request,
        // Resets the maximum: stalls during the other server's turn do not count.
        begins: async () => void (await longestStall(agent)),
        ended: async () => void stalls.push(await longestStall(agent)),
      };
      const [ours = [], theirs = []] = await loadInTurn([ofAgent, { url: bare.url, request }], pace);
      figures.push(
        {
          name,
          unit: 'requests/s',
          values: rates(ours),
          bare: rates(theirs),
          ...(target ? { target } : {}),
        },
        {
          name: '… 99th percentile',
          unit: 'ms',
          values: latencies(ours),
          bare: latencies(theirs),
          ...(p99Target ? { target: p99Target } : {}),
        },
        {
          name: '… longest stall of the event loop',
          unit: 'ms',
          values: [Math.max(...stalls)],
          target: { atMost: 50 },
        },
      );
    }
    return figures;
  });
};

const withGuests = async (count: number, list: (guestId: string) => readonly Measured[], pace: Pace) => {
  const guests = Array.from({ length: count }, someGuest);
  const agent = await startAgent((dbpath) => writeState(dbpath, guests));
  return using([agent], async (): Promise<Figure[]> => {
    await waitUntilIdle();
    const idle = await memoryOf(agent.pid);
    const figures = await measure(agent, list(String(guests[0]?.id)), pace);
    const end = await memoryOf(agent.pid);
    return [
      ...figures,
      {
        name: `memory at idle, ${count} guests`,
        unit: 'MB',
        values: [idle.now],
        ...(count === 100 ? { target: { atMost: 90 } } : {}),
      },
      { name: '… at the end of all this', unit: 'MB', values: [end.now] },
    ];
  });
};

const run = async (pace: Pace): Promise<Figure[]> => [
  ...(await withGuests(100, requestsFor, pace)),
  ...(await withGuests(10_000, () => [LIST], pace)),
];

export const requests: Suite = {
  name: 'requests',
  title: 'Requests and durable job submission, 32 connections; memory before and after',
  run,
};
