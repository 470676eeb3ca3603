import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { Autostart } from '../../../../lib/agent/coming-back/autostart.js';
import { HostState } from '../../../../lib/agent/coming-back/host-state.js';
import { GuestStore } from '../../../../lib/store/guest-store.js';
import { silentLog } from '../../../helpers/sub-agents.js';
import { tempDir } from '../../../helpers/temp.js';
import { until } from '../../../helpers/wait.js';

test('guests of a later order pass one whose sub-agent is not ready in time, which starts once it is', async (t) => {
  const dir = await tempDir(t);
  const guests = await GuestStore.open(join(dir, 'guests.db'));
  t.teardown(() => guests.close());
  // The timers of an autostart do not keep a process alive.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  const released: string[] = [];
  const known = new Set<string>();
  const add = async (order: number): Promise<string> => {
    const id = randomUUID();
    const autostart = { policy: 'always', order } as const;
    await guests.insert({ id, state: 'unknown', autostart, intent: { power: 'on', pending: true } });
    return id;
  };
  const [late, ready] = [await add(1), await add(2)];
  known.add(ready);
  const closed = new AbortController();
  t.teardown(() => closed.abort());
  const autostart = new Autostart({
    guests,
    host: await HostState.open(dir, 'boot', silentLog),
    starts: {
      isBusy: () => false,
      release: async (id) => {
        released.push(id);
        await guests.update(id, (guest) => ({ ...guest, state: 'running' }));
      },
    },
    isKnown: ({ id }) => known.has(id),
    closed: closed.signal,
    readyMs: 300,
  });
  await autostart.run();
  t.deepEqual(released, [ready]);
  t.deepEqual(
    autostart.waiting().map(({ id }) => id),
    [late],
  );
  known.add(late);
  await until('the late one starts', () => released.includes(late));
});

test('tells a boot by its id, forgets that the host went down, and takes a damaged host.json for no boot', async (t) => {
  const dir = await tempDir(t);
  const first = await HostState.open(dir, 'one', silentLog);
  t.false(first.isNewBoot);
  await first.confirm();
  t.false((await HostState.open(dir, 'one', silentLog)).isNewBoot);
  const second = await HostState.open(dir, 'two', silentLog);
  t.true(second.isNewBoot);
  await second.setGoesDown(true);
  t.true((await HostState.open(dir, 'two', silentLog)).goesDown);
  t.false((await HostState.open(dir, 'three', silentLog)).goesDown);
  await writeFile(join(dir, 'host.json'), '{"boot": 1');
  const damaged = await HostState.open(dir, 'three', silentLog);
  t.deepEqual([damaged.isNewBoot, damaged.goesDown], [false, false]);
});
