import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { isFinished, type Job } from '../../lib/model/job.js';
import type { GuestRequest } from '../../lib/rpc/protocol/guest-messages.js';
import type { CallContext } from '../../lib/rpc/server/call-context.js';
import { numberFrom } from '../helpers/property.js';
import { startRealAgent } from '../helpers/real-agent.js';
import { startScripted } from '../helpers/scripted.js';
import { until } from '../helpers/wait.js';

// Guarantees: G14.

/** How often the agent is killed; raise it for a longer run. */
const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 3;
const GUESTS = 4;
const CLIENTS = 8;
const ACTIONS = ['start', 'suspend', 'resume', 'restart'] as const;

/** Records the most concurrent calls of any guest, and the order of each guest's jobs by their first call. */
const recorder = () => {
  const running = new Map<string, number>();
  const order = new Map<string, string[]>();
  let mostAtOnce = 0;
  const answer = async ({ guest }: GuestRequest, { job, signal }: CallContext) => {
    const jobs = order.get(guest.id) ?? [];
    if (job && !jobs.includes(job.job)) jobs.push(job.job);
    order.set(guest.id, jobs);
    const atOnce = (running.get(guest.id) ?? 0) + 1;
    running.set(guest.id, atOnce);
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    try {
      await delay(randomInt(8), undefined, { signal });
    } finally {
      running.set(guest.id, (running.get(guest.id) ?? 1) - 1);
    }
    return { guest: { id: guest.id } };
  };
  return { answer, order, atMostOnce: () => mostAtOnce === 1 };
};

test(`loses no acknowledged job, and runs none concurrently or out of order, when killed ${ROUNDS} times under load`, async (t) => {
  const { answer, order, atMostOnce } = recorder();
  const methods = Object.fromEntries(ACTIONS.map((name) => [`Test.${name}`, answer]));
  const { address } = await startScripted(t, { methods });
  const stages = (name: string) => ({
    stages: [{ service: 'test', method: `Test.${name}`, idempotent: true }],
  });
  const agent = await startRealAgent(t, () => ({
    services: { test: { ...address, path: '/_mistify_RPC_', max_pending: 8 } },
    actions: Object.fromEntries(['create', 'delete', ...ACTIONS].map((name) => [name, stages(name)])),
  }));
  const guests = await Promise.all(
    Array.from({ length: GUESTS }, async () => (await agent.client.guests.create({ memory: 64 })).body.id),
  );

  const jobsOnceEnded = (guest: string): Promise<Job[]> =>
    until(
      'all jobs of the guest have ended',
      async () => {
        const { items } = await agent.client.jobsOf(guest).list();
        return items.every(isFinished) ? items : undefined;
      },
      60_000,
    );

  const acknowledged: { guest: string; job: string }[] = [];
  const requestUntil = async (stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      const guest = guests[randomInt(GUESTS)] ?? '';
      const action = ACTIONS[randomInt(ACTIONS.length)] ?? 'start';
      try {
        const { jobId } = await agent.client.guests.perform(guest, action);
        acknowledged.push({ guest, job: jobId });
      } catch {
        await delay(5);
      }
    }
  };

  for (let round = 0; round < ROUNDS; round += 1) {
    const before = acknowledged.length;
    const stop = new AbortController();
    const clients = Array.from({ length: CLIENTS }, () => requestUntil(stop.signal));
    await delay(100 + randomInt(500));
    await agent.end('SIGKILL');
    stop.abort();
    await Promise.all(clients);
    await agent.start();
    // The log also contains jobs whose 202 was not sent before the kill.
    await Promise.all(guests.map(jobsOnceEnded));
    const jobs = await Promise.all(acknowledged.slice(before).map(({ job }) => agent.client.jobs.get(job)));
    for (const { ID, Status } of jobs) t.is(Status, 'Complete', ID);
  }

  t.log(`${acknowledged.length} jobs were acknowledged`);
  t.true(atMostOnce(), 'a guest had two calls at the same time');
  for (const guest of guests) {
    const logged = (await jobsOnceEnded(guest)).filter(({ Action }) => Action !== 'create');
    t.deepEqual(
      order.get(guest)?.slice(-logged.length),
      logged.map(({ ID }) => ID).reverse(),
      'jobs did not run, or ran in another order than they were requested in',
    );
  }
});
