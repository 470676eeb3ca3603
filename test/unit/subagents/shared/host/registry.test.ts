import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { UidRange } from '../../../../../lib/process/guest-uids.js';
import { claimUids } from '../../../../../lib/subagents/qemu/process/uid-claim.js';
import { GuestClaims } from '../../../../../lib/subagents/shared/host/guest-claims.js';
import { guestPath, HostRegistry, type Owner } from '../../../../../lib/subagents/shared/host/registry.js';
import { operationsIn } from '../../../../helpers/faulty-disk.js';
import { tempDir } from '../../../../helpers/temp.js';

// Guarantees: G10.

const SECOND = { first: 2_000_065_536, last: 2_000_131_071 };

/** Opens the registry for sub-agents of different agents, which share the host's directory. */
const startHost = async (t: ExecutionContext) => {
  const dir = await tempDir(t);
  const stateOf = (agent: string, kind: string): string => join(dir, agent, kind);
  const open = async (agent: string, kind: Owner['kind'] = 'qemu'): Promise<HostRegistry> => {
    const registry = await HostRegistry.open(join(dir, 'host'), kind, stateOf(agent, kind));
    t.teardown(() => registry.close());
    return registry;
  };
  return { open, stateOf, hostDir: join(dir, 'host') };
};

const addGuest = (registry: HostRegistry, guest: string): Promise<unknown> =>
  mkdir(guestPath(registry.own, guest), { recursive: true });

const areDisjoint = (one: UidRange, other: UidRange): boolean =>
  one.last < other.first || other.last < one.first;

test('gives each agent a range of uids that it gets again', async (t) => {
  const { open } = await startHost(t);
  const [one, other] = [await open('a'), await open('b')];
  // Not always the first range: guests of other agents of this host may run.
  const first = await claimUids(one, undefined, []);
  t.is(first.last - first.first, 65_535);
  await addGuest(one, 'g');
  t.true(areDisjoint(await claimUids(other, undefined, [first.first]), first));
  await one.close();
  await other.close();
  t.true(areDisjoint(await claimUids(await open('c'), undefined, []), first));
  t.deepEqual(await claimUids(await open('a'), undefined, []), first);
});

test('starts a sub-agent again without a write, so that it starts on a full disk', async (t) => {
  const { open, hostDir } = await startHost(t);
  const first = await open('a');
  await claimUids(first, undefined, []);
  await addGuest(first, 'g');
  await first.close();
  const operations = await operationsIn(hostDir, async () => claimUids(await open('a'), undefined, []));
  t.deepEqual(
    operations.filter((operation) => !operation.startsWith('stat')),
    ['open lock', 'open lock'],
  );
});

test('takes the range of the uids that guests of an earlier version have', async (t) => {
  const { open } = await startHost(t);
  t.deepEqual(await claimUids(await open('a'), undefined, [SECOND.first + 7]), SECOND);
});

test('rejects a --uid-range with uids of another agent, and reuses one whose agent is gone', async (t) => {
  const { open, stateOf } = await startHost(t);
  const [one, other] = [await open('a'), await open('b')];
  await claimUids(one, { first: 5000, last: 5999 }, []);
  const wanted = { first: 5999, last: 6999 };
  await t.throwsAsync(claimUids(other, wanted, []), {
    message: `--uid-range 5999-6999 contains uids of another agent's guests (${stateOf('a', 'qemu')} has 5000-5999): choose another range, or leave the option out`,
  });
  await rm(stateOf('a', 'qemu'), { recursive: true });
  t.deepEqual(await claimUids(other, wanted, []), wanted);
});

test('keeps the claim of an agent whose state is gone while a process runs with one of its uids', async (t) => {
  const { open, stateOf } = await startHost(t);
  const [one, other] = [await open('a'), await open('b')];
  const uid = process.getuid?.() ?? 0;
  await claimUids(one, { first: uid, last: uid }, []);
  await rm(stateOf('a', 'qemu'), { recursive: true });
  await t.throwsAsync(claimUids(other, { first: uid, last: uid }, []), { message: /uids of another agent/ });
});

test('claims a guest for one agent, whose sub-agents share it', async (t) => {
  const { open } = await startHost(t);
  const [one, container, other] = [
    await open('a'),
    await open('a', 'container'),
    await open('b', 'container'),
  ];
  await new GuestClaims(one).claim('g', () => addGuest(one, 'g'));
  await t.notThrowsAsync(new GuestClaims(container).requireFree('g'));
  await t.throwsAsync(
    new GuestClaims(other).claim('g', async () => t.fail()),
    {
      message: /^guest g belongs to another agent of this host, with its state in .*\/a: choose another id$/,
    },
  );
});

test('claims a guest for one of several agents that claim it at the same time', async (t) => {
  const { open } = await startHost(t);
  const agents = await Promise.all(['a', 'b', 'c', 'd'].map((name) => open(name)));
  const claims = agents.map((agent) => new GuestClaims(agent).claim('g', () => addGuest(agent, 'g')));
  const outcomes = await Promise.allSettled(claims);
  t.is(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('rejects a state directory that another sub-agent uses', async (t) => {
  const { open, hostDir, stateOf } = await startHost(t);
  await open('a');
  await t.throwsAsync(HostRegistry.open(hostDir, 'qemu', stateOf('a', 'qemu')), {
    message: /^another qemu sub-agent is using .*\/a\/qemu: stop it, or choose another --dir$/,
  });
});

test('forgets a sub-agent that stops without guests', async (t) => {
  const { open, hostDir } = await startHost(t);
  await (await open('a')).close();
  t.deepEqual(await readdir(hostDir), ['lock']);
});
