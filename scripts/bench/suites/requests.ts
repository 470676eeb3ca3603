import { MistifyClient } from '../../../lib/client/index.js';
import { startAgent } from '../agent.js';
import { loadInTurn, type Request } from '../load.js';
import { using } from '../processes.js';
import type { Figure, Pace, Suite, Target } from '../suite.js';
import { answerOf, startBare } from '../yardstick.js';

const GUESTS = 100;

interface Measured extends Request {
  name: string;
  target: Target;
}

const requestsFor = (guestId: string): Measured[] => [
  { name: 'one guest', method: 'GET', path: `/guests/${guestId}`, status: 200, target: { ofBare: 0.45 } },
  {
    name: `list of ${GUESTS} guests`,
    method: 'GET',
    path: '/guests',
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
  },
];

const makeGuests = async (url: string): Promise<string> => {
  const client = new MistifyClient({ url });
  for (let made = 0; made < GUESTS; made += 1) {
    const { jobId } = await client.guests.create({ memory: 128, cpu: 1, disks: [{ size: 1024 }] });
    if (made === GUESTS - 1) await client.waitForJob(jobId);
  }
  const [guest] = (await client.guests.list()).items;
  return String(guest?.id);
};

const run = async (pace: Pace): Promise<Figure[]> => {
  const agent = await startAgent();
  return using([agent], async () => {
    const measured = requestsFor(await makeGuests(agent.url));
    // One after the other: the last one makes a guest.
    const answers = [];
    for (const request of measured) answers.push(await answerOf(agent.url, request));
    const bare = await startBare(answers);
    return using([bare], async () => {
      const figures: Figure[] = [];
      for (const { name, target, ...request } of measured) {
        const both = [agent, bare].map(({ url }) => ({ url, request }));
        const [ours = [], theirs = []] = await loadInTurn(both, pace);
        const rates = (rounds: typeof ours): number[] => rounds.map(({ rate }) => rate);
        figures.push({ name, unit: 'requests/s', values: rates(ours), bare: rates(theirs), target });
      }
      return figures;
    });
  });
};

export const requests: Suite = { name: 'requests', title: 'Requests, 32 connections', run };
