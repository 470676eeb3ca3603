import { mkdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { GuestStates } from '../../../../../lib/rpc/server/guest-states.js';
import { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { remove } from '../../../../../lib/subagents/qemu/guests/lifecycle.js';
import { poweroff } from '../../../../../lib/subagents/qemu/guests/power.js';
import { type GuestRecord, loadRecords } from '../../../../../lib/subagents/qemu/guests/records.js';
import type { GuestPaths } from '../../../../../lib/subagents/qemu/layout.js';
import { UidPool } from '../../../../../lib/subagents/qemu/process/uids.js';
import { DEFINITION, fakeQemu, hostWithoutQemu } from '../../../../helpers/fake-qemu.js';
import { GUEST_ID, silentLog } from '../../../../helpers/sub-agents.js';
import { until } from '../../../../helpers/wait.js';

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

/** A guest whose QEMU was killed while its record could not be saved. */
const crashedUnsaved = async (t: ExecutionContext): Promise<{ guests: Guests; paths: GuestPaths }> => {
  const { guests, paths, process: qemu } = await fakeQemu(t);
  await writeFile(paths.upMark, '');
  await mkdir(draftPath(paths));
  qemu.kill('SIGKILL');
  await guests.get(GUEST_ID).watch?.exited;
  return { guests, paths };
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The guest's state as the next sub-agent recovers it. */
const recoveredState = async ({ host }: Guests): Promise<string | undefined> => {
  const next = new Guests(host, new GuestStates(), silentLog);
  await next.recover(await loadRecords(host.layout, silentLog));
  return next.states.get(GUEST_ID)?.state;
};

test('reports a crash that could not be saved, even after a restart', async (t) => {
  const { guests, paths } = await crashedUnsaved(t);
  t.is(guests.states.get(GUEST_ID)?.state, 'crashed');
  guests.close();
  await rmdir(draftPath(paths));
  t.is(await recoveredState(guests), 'crashed');
});

test('saves a crash once that is possible, and then removes what the run has left on the host', async (t) => {
  const { guests, paths } = await crashedUnsaved(t);
  t.true(await exists(paths.runDir));
  await rmdir(draftPath(paths));
  await until('the run directory is removed', async () => !(await exists(paths.runDir)));
  t.like(await saved(paths), { crashed: true, running: false });
  t.is(guests.states.get(GUEST_ID)?.state, 'crashed');
});

test('saves an end that was no crash once that is possible', async (t) => {
  const { guests, paths, process: qemu } = await fakeQemu(t);
  await guests.get(GUEST_ID).update({ running: true });
  await mkdir(draftPath(paths));
  qemu.kill('SIGKILL');
  await guests.get(GUEST_ID).watch?.exited;
  t.false(await exists(paths.runDir));
  await rmdir(draftPath(paths));
  await until('the end is saved', async () => (await saved(paths)).running === false);
  t.is(guests.states.get(GUEST_ID)?.state, 'shutoff');
});

test('does not save a crash of a guest that was deleted since', async (t) => {
  const { guests, paths } = await crashedUnsaved(t);
  const entry = guests.get(GUEST_ID);
  await remove(guests, GUEST_ID);
  t.is(entry.unfinishedEnd, undefined);
  t.false(await exists(paths.stateDir));
  t.false(await exists(paths.runDir));
});

test('reports shutoff after powering off a guest whose crash could not be saved, even after a restart', async (t) => {
  const { guests, paths } = await crashedUnsaved(t);
  await poweroff(guests, GUEST_ID);
  t.is(guests.get(GUEST_ID).unfinishedEnd, undefined);
  await rmdir(draftPath(paths));
  t.is(await recoveredState(guests), 'shutoff');
});
