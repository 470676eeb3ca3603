import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { KeptSnapshots } from '../helpers/kept-snapshots.js';
import { numberFrom } from '../helpers/property.js';
import { startRealAgent } from '../helpers/real-agent.js';
import { startScripted } from '../helpers/scripted.js';
import { until } from '../helpers/wait.js';

// Guarantees: G52.

/** How often the agent is killed; raise it for a longer run. */
const ROUNDS = numberFrom('MISTIFY_CRASH_ROUNDS') ?? 4;
const GUESTS = 3;
const KEPT = 3;

test(`neither repeats nor forgets a run of a schedule, and deletes no snapshot of a user, when killed ${ROUNDS} times`, async (t) => {
  const snapshots = new KeptSnapshots();
  snapshots.before = () => delay(randomInt(40));
  const { address } = await startScripted(t, { methods: snapshots.methods });
  const stages = (name: string) => ({
    stages: [{ service: 'test', method: `Test.${name}`, idempotent: true }],
  });
  const names = ['create', 'delete', 'createSnapshot', 'deleteSnapshot', 'listSnapshots'];
  const agent = await startRealAgent(t, () => ({
    services: { test: { ...address, path: '/_mistify_RPC_', max_pending: 8 } },
    actions: Object.fromEntries(names.map((name) => [name, stages(name)])),
  }));
  const { schedules } = agent.client;
  const guests = await Promise.all(
    Array.from({ length: GUESTS }, async () => {
      const { body } = await agent.client.guests.create({ memory: 64, disks: [{ size: 8 }] }, { wait: 60 });
      snapshots.add(body.id, 'of-a-user');
      return body.id;
    }),
  );
  const spec = { name: 'nightly', guests: { all: true }, cron: '0 0 1 1 *', keep: { last: KEPT } };
  const { id } = await schedules.create(spec);

  const acknowledged = new Set<string>();
  const runUntil = async (stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      try {
        const { status } = await schedules.run(id, { signal: stop });
        for (const { guest, run } of status) acknowledged.add(`${guest} auto-nightly-${run?.due}`);
      } catch {
        await delay(5);
      }
    }
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const stop = new AbortController();
    const client = runUntil(stop.signal);
    await delay(100 + randomInt(400));
    await agent.end('SIGKILL');
    stop.abort();
    await client;
    await agent.start();
    const { status } = await until('all runs have ended', async () => {
      const schedule = await schedules.get(id);
      return schedule.status.some(({ run }) => run?.outcome === 'running') ? undefined : schedule;
    });
    for (const { run } of status) t.is(run?.outcome, 'success', run?.message);
  }

  const made = snapshots.made.map(({ guest, name }) => `${guest} ${name}`);
  t.log(`${acknowledged.size} runs were acknowledged, ${made.length} took place`);
  t.deepEqual(made, [...new Set(made)], 'a run took place twice');
  t.deepEqual(
    [...acknowledged].filter((run) => !made.includes(run)),
    [],
    'a run was forgotten',
  );
  for (const guest of guests) {
    const newest = snapshots.made.filter((each) => each.guest === guest).slice(-KEPT);
    t.deepEqual(snapshots.of(guest), ['of-a-user', ...newest.map(({ name }) => name)]);
  }
});
