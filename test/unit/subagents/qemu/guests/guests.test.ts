import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { GuestStates } from '../../../../../lib/rpc/server/guest-states.js';
import { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { poweroff } from '../../../../../lib/subagents/qemu/guests/power.js';
import type { GuestRecord } from '../../../../../lib/subagents/qemu/guests/records.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { UidPool } from '../../../../../lib/subagents/qemu/process/uids.js';
import { DEFINITION, hostWithoutQemu, playQemu } from '../../../../helpers/played-qemu.js';
import { GUEST_ID, silentLog } from '../../../../helpers/sub-agents.js';

const saved = async ({ record }: GuestPaths): Promise<GuestRecord> =>
  JSON.parse(await readFile(record, 'utf8')) as GuestRecord;

/** Nothing can be saved of a guest while a directory is in the way. */
const inTheWay = ({ record }: GuestPaths): string => `${record}+new`;

test('a guest runs as no user that could not be saved', async (t) => {
  const guests = await hostWithoutQemu(t, new UidPool({ first: 5000, last: 5001 }));
  const entry = await guests.define(DEFINITION);
  await mkdir(inTheWay(entry.paths));
  await t.throwsAsync(guests.start(entry), { code: 'EISDIR' });
  t.is(entry.record.uid, undefined);
  await rmdir(inTheWay(entry.paths));
  await t.throwsAsync(guests.start(entry), { message: /not installed/ });
  t.is((await saved(entry.paths)).uid, 5000);
  t.is(entry.record.uid, 5000);
});

test('that a guest crashed is forgotten only when that could be saved', async (t) => {
  const guests = await hostWithoutQemu(t);
  const entry = await guests.define(DEFINITION);
  await guests.setCrashed(entry, true);
  await mkdir(inTheWay(entry.paths));
  await t.throwsAsync(guests.setCrashed(entry, false), { code: 'EISDIR' });
  await rmdir(inTheWay(entry.paths));
  await guests.setCrashed(entry, false);
  t.false((await saved(entry.paths)).crashed);
});

/** A guest whose QEMU was killed while nothing could be saved, which now can. */
const crashedUnsaved = async (t: ExecutionContext): Promise<Guests> => {
  const { guests, paths, process: qemu } = await playQemu(t);
  await writeFile(paths.upMark, '');
  await mkdir(inTheWay(paths));
  qemu.kill('SIGKILL');
  await guests.get(GUEST_ID).watch?.gone;
  await rmdir(inTheWay(paths));
  return guests;
};

const stateForNext = async ({ host }: Guests): Promise<string | undefined> => {
  const next = new Guests(host, new GuestStates(), silentLog);
  await next.recover();
  return next.states.get(GUEST_ID)?.state;
};

test('a guest whose crash cannot be saved is crashed, also for the next sub-agent', async (t) => {
  const guests = await crashedUnsaved(t);
  t.is(guests.states.get(GUEST_ID)?.state, 'crashed');
  t.is(await stateForNext(guests), 'crashed');
});

test('once it is powered off it is off, also for the next sub-agent', async (t) => {
  const guests = await crashedUnsaved(t);
  await poweroff(guests, GUEST_ID);
  t.is(await stateForNext(guests), 'shutoff');
});
