import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tapName } from '../../../lib/subagents/shared/network/nics.js';
import { checkDisk, DISKS, type DiskContent, readDisk, runState } from './disks.js';
import { GONE, type GuestModel, matches, PARTLY } from './model.js';
import type { Owner } from './owner.js';
import { listProcesses, type Process } from './processes.js';
import type { World } from './world.js';

const OFF: readonly string[] = ['shutoff', 'crashed', 'error'];

/** The directories of a store that has nothing to do. */
const IDLE_DIRS = ['tmp', 'journal'];

const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);

const describeDifference = (
  what: string,
  found: readonly string[],
  expected: readonly string[],
): string[] => {
  const [left, missing] = [
    found.filter((each) => !expected.includes(each)),
    expected.filter((each) => !found.includes(each)),
  ];
  return [
    ...(left.length > 0 ? [`${what}: ${left.join(', ')} should not be there`] : []),
    ...(missing.length > 0 ? [`${what}: ${missing.join(', ')} is missing`] : []),
  ];
};

/** What the agent reports about one guest. */
interface Reported {
  id: string;
  state: string;
  reason?: string | undefined;
  nics?: { network: string }[] | undefined;
  metadata?: Record<string, string> | undefined;
}

/** Compares the state that the agent reports with QEMU's own. */
const checkPower = async (
  world: World,
  { id, power }: Owner,
  { state, reason = '' }: Reported,
  qemus: readonly Process[],
): Promise<string[]> => {
  const found = qemus.filter((qemu) => qemu.guest === id);
  if (found.length > 1) return [`${id} has ${found.length} QEMUs`];
  const reported = `the agent reports ${state} ${reason}`;
  const expected = power === undefined ? [] : [`after an action that succeeded, it should be ${power}`];
  if (found.length === 0) {
    if (!OFF.includes(state)) return [`${id} has no QEMU, and ${reported}`];
    return expected.filter(() => power !== 'off').map((words) => `${id} is off; ${words}`);
  }
  const actual = await runState(world, id);
  if (state !== actual) return [`${id} is ${actual}, and ${reported}`];
  return expected.filter(() => power !== actual).map((words) => `${id} is ${actual}; ${words}`);
};

/** What was seen of a guest: its disks and snapshots, if all disks agree; otherwise the differences. */
const seeDisks = async (world: World, { id, halfDropped }: Owner): Promise<GuestModel | string> => {
  const all: DiskContent[] = [];
  for (let disk = 0; disk < DISKS; disk += 1) {
    await checkDisk(world, id, disk);
    all.push(await readDisk(world, id, disk));
  }
  const isWhole = (name: string): boolean =>
    all.every(({ snapshots }) => snapshots.some((snapshot) => snapshot.name === name));
  const disks = all.map(({ byte, snapshots }) => ({
    byte,
    snapshots: snapshots.filter(({ name }) => !halfDropped.has(name) || isWhole(name)),
  }));
  const [first] = disks;
  const differs = disks.some((disk) => JSON.stringify(disk) !== JSON.stringify(first));
  if (differs || !first) return JSON.stringify(disks);
  return { is: 'there', ...first };
};

const isMarked = async (world: World, id: string): Promise<boolean> =>
  (await list(join(world.storageDir, 'guests', id))).includes('rollback');

/** Compares a guest's disks, snapshots and their content with the model. Keeps of the model what was seen. */
const checkContent = async (world: World, owner: Owner): Promise<string[]> => {
  const { id, states } = owner;
  const seen = await seeDisks(world, owner);
  if (typeof seen === 'string') {
    // Documented: the guest is marked, and does not start.
    if (await isMarked(world, id)) return [];
    return states.some((state) => state.is === 'there' && state.byte === -1)
      ? []
      : [`${id}: its disks differ: ${seen}`];
  }
  const possible = states.filter((state) => matches(state, seen));
  if (possible.length === 0)
    return [
      `${id} is ${JSON.stringify(seen)}, but should be ${states.map((state) => JSON.stringify(state)).join(' or ')}`,
    ];
  owner.states = possible;
  const kept = seen.is === 'there' ? seen.snapshots.map(({ name }) => name) : [];
  const listed = (await world.client.snapshotsOf(id).list()).items
    .map((snapshot) => snapshot.id)
    .filter((snapshot) => {
      const name = snapshot.split('@')[1] ?? '';
      return kept.includes(name) || !owner.halfDropped.has(name);
    });
  const expected = kept.flatMap((name) =>
    Array.from({ length: DISKS }, (_, disk) => `guests/${id}/disk-${disk}@${name}`),
  );
  return describeDifference(`snapshots of ${id} that the agent lists`, listed, expected);
};

/** Compares the files of a guest's memory with what the agent reports. */
const checkMemory = ({ id, reason = '' }: Reported, files: readonly string[]): string[] =>
  describeDifference(
    `memory of ${id}`,
    files.filter((name) => name.startsWith('memory')),
    reason.startsWith('saved') ? ['memory'] : [],
  );

const checkGuest = async (
  world: World,
  owner: Owner,
  reported: Reported | undefined,
  qemus: readonly Process[],
): Promise<string[]> => {
  const { id, states, notes } = owner;
  const words = states.map((state) => JSON.stringify(state)).join(' or ');
  if (!reported) {
    if (!states.some(({ is }) => is === 'gone'))
      return [`the agent has no guest ${id}, which should be ${words}`];
    owner.states = [GONE];
    return [];
  }
  if (states.every(({ is }) => is === 'gone')) return [`the agent has guest ${id}, which should be gone`];
  const note = reported.metadata?.note;
  const metadata = notes.includes(note) ? [] : [`${id}: its note is ${note}, not ${notes.join(' or ')}`];
  if (reported.state === 'error') {
    if (!states.some(({ is }) => is === 'partly')) return [`${id} is in state error, but should be ${words}`];
    owner.states = [PARTLY];
    return metadata;
  }
  const [disks, record] = [
    await list(join(world.storageDir, 'guests', id)),
    await list(join(world.guestsDir, id)),
  ];
  // A deletion that failed midway may have removed the virtual machine, and then the disks.
  if ((disks.length === 0 || record.length === 0) && states.some(({ is }) => is === 'partly')) {
    owner.states = [PARTLY];
    return metadata;
  }
  const power = await checkPower(world, owner, reported, qemus);
  const content = await checkContent(world, owner);
  return [...metadata, ...power, ...checkMemory(reported, record), ...content];
};

/** Compares what is left on the host with the guests that exist. */
const checkLeftovers = async (
  world: World,
  guests: readonly Reported[],
  processes: readonly Process[],
): Promise<string[]> => {
  const ids = guests.map(({ id }) => id);
  const hasQemu = (id: string): boolean =>
    processes.some(({ kind, guest }) => kind === 'guest' && guest === id);
  // Documented: a guest whose deletion has failed midway stays unknown, and has no QEMU any more.
  const up = guests.filter(({ id, state }) => (state === 'unknown' ? hasQemu(id) : !OFF.includes(state)));
  const whole = guests.filter(({ state }) => state !== 'error').map(({ id }) => id);
  const tapsOf = ({ id, nics }: Reported): string[] =>
    (nics ?? []).flatMap(({ network }, index) => (network === 'user' ? [] : [tapName(id, index)]));
  const own = processes.filter(({ kind }) => kind === 'tool');
  const stray = processes.filter(({ kind, guest }) => kind === 'guest' && !ids.includes(guest ?? ''));
  const runDirs = (await list(world.runDir)).filter(
    (name) => !name.endsWith('.halted') && !name.startsWith('.'),
  );
  const work = await Promise.all(
    IDLE_DIRS.map(async (dir) => (await list(join(world.storageDir, dir))).map((name) => `${dir}/${name}`)),
  );
  const disks = await list(join(world.storageDir, 'guests'));
  const records = await list(world.guestsDir);
  return [
    ...describeDifference(
      'disks',
      disks.filter((id) => !ids.includes(id)),
      [],
    ),
    ...describeDifference(
      'records of guests',
      records.filter((id) => !ids.includes(id)),
      [],
    ),
    ...describeDifference(
      'run directories',
      runDirs.filter((name) => !isLock(name)),
      up.map(({ id }) => id),
    ),
    ...describeDifference('taps', await world.taps(), up.flatMap(tapsOf)),
    ...describeDifference('work of the storage', work.flat(), []),
    ...own.map(({ pid, commandLine }) => `process ${pid} is left: ${commandLine.slice(0, 200)}`),
    ...stray.map(({ pid, guest }) => `QEMU ${pid} of guest ${guest}, which does not exist, is left`),
    ...describeDifference(
      'guests without disks',
      whole.filter((id) => !disks.includes(id)),
      [],
    ),
  ];
};

const isLock = (name: string): boolean => !/^[0-9a-f-]{36}$/.test(name);

/** Compares everything that the agent says with what is there. Returns the differences. */
export const compare = async (world: World, owners: readonly Owner[]): Promise<string[]> => {
  const guests = (await world.client.guests.list()).items as Reported[];
  const processes = (await listProcesses()).filter(({ commandLine }) => !commandLine.startsWith('setpriv '));
  const qemus = processes.filter(({ kind }) => kind === 'guest');
  const found = [];
  for (const owner of owners)
    found.push(
      ...(await checkGuest(
        world,
        owner,
        guests.find(({ id }) => id === owner.id),
        qemus,
      )),
    );
  const unfinished = (await world.client.jobs.list()).items.filter(
    ({ Status }) => Status === 'Queued' || Status === 'Running',
  );
  found.push(...unfinished.map(({ ID, Action }) => `job ${ID} (${Action}) has not ended`));
  found.push(...(await checkLeftovers(world, guests, processes)));
  return found;
};

/** Returns the last lines of the agent's log. */
export const tail = async (path: string, lines: number): Promise<string> =>
  (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n');
