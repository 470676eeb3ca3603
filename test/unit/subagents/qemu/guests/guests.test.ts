import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { GuestStates } from '../../../../../lib/rpc/server/guest-states.js';
import { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { poweroff } from '../../../../../lib/subagents/qemu/guests/power.js';
import { type GuestRecord, loadRecords } from '../../../../../lib/subagents/qemu/guests/records.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { UidPool } from '../../../../../lib/subagents/qemu/process/uids.js';
import { DEFINITION, fakeQemu, hostWithoutQemu } from '../../../../helpers/fake-qemu.js';
import { GUEST_ID, silentLog } from '../../../../helpers/sub-agents.js';

const saved = async ({ record }: GuestPaths): Promise<GuestRecord> =>
  JSON.parse(await readFile(record, 'utf8')) as GuestRecord;

/** A directory at this path makes every save of the guest's record fail. */
const draftPath = ({ record }: GuestPaths): string => `${record}+new`;

test('does not assign a uid that could not be saved', async (t) => {
  const guests = await hostWithoutQemu(t, new UidPool({ first: 5000, last: 5001 }));
  const entry = await guests.define(DEFINITION);
  await mkdir(draftPath(entry.paths));
  await t.throwsAsync(guests.start(entry), { code: 'EISDIR' });
  t.is(entry.record.uid, undefined);
  await rmdir(draftPath(entry.paths));
  await t.throwsAsync(guests.start(entry), { message: /not installed/ });
  t.is((await saved(entry.paths)).uid, 5000);
  t.is(entry.record.uid, 5000);
});

test('keeps a crash until its removal could be saved', async (t) => {
  const guests = await hostWithoutQemu(t);
  const entry = await guests.define(DEFINITION);
  await entry.setCrashed(true);
  await mkdir(draftPath(entry.paths));
  await t.throwsAsync(entry.setCrashed(false), { code: 'EISDIR' });
  await rmdir(draftPath(entry.paths));
  await entry.setCrashed(false);
  t.false((await saved(entry.paths)).crashed);
});

/** A guest whose QEMU was killed while its record could not be saved; now it can. */
const crashedUnsaved = async (t: ExecutionContext): Promise<Guests> => {
  const { guests, paths, process: qemu } = await fakeQemu(t);
  await writeFile(paths.upMark, '');
  await mkdir(draftPath(paths));
  qemu.kill('SIGKILL');
  await guests.get(GUEST_ID).watch?.exited;
  await rmdir(draftPath(paths));
  return guests;
};

/** The guest's state as the next sub-agent recovers it. */
const recoveredState = async ({ host }: Guests): Promise<string | undefined> => {
  const next = new Guests(host, new GuestStates(), silentLog);
  await next.recover(await loadRecords(host.layout, silentLog));
  return next.states.get(GUEST_ID)?.state;
};

test('reports a crash that could not be saved, even after a restart', async (t) => {
  const guests = await crashedUnsaved(t);
  t.is(guests.states.get(GUEST_ID)?.state, 'crashed');
  t.is(await recoveredState(guests), 'crashed');
});

test('reports shutoff after powering off a guest whose crash could not be saved, even after a restart', async (t) => {
  const guests = await crashedUnsaved(t);
  await poweroff(guests, GUEST_ID);
  t.is(await recoveredState(guests), 'shutoff');
});
