import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { guestKey } from '../../async/keyed-locks.js';
import { errorMessage, isErrno } from '../../errors.js';
import type { Backup, Verification } from '../../model/backup.js';
import type { BackupResponse, CreateBackupRequest } from '../../rpc/protocol/backup-messages.js';
import { Refusal } from '../../rpc/protocol/refusal.js';
import { type CallContext, isRepeated } from '../../rpc/server/call-context.js';
import { BackupRun, type RunResult } from './backup-run.js';
import { openBaseTree, treesDir } from './base-tree.js';
import { isDamage, withRepairAdvice } from './damage.js';
import type { BackupDeps } from './deps.js';
import { PROBE, requireUnreadable, SpoiledError } from './guards.js';
import { bootId, type GuestState } from './guest-state.js';
import { kindOfResticError } from './restic/failure.js';
import { withSize } from './tags.js';
import { readAll } from './verify.js';

type Call = Pick<CallContext, 'signal' | 'progress' | 'job'>;

/** Makes the snapshot. It begins again without the last backup when another host has deleted that one. */
const makeSnapshot = async (
  deps: BackupDeps,
  request: CreateBackupRequest,
  call: Call,
  { run, state }: { run: string; state: GuestState },
): Promise<RunResult> => {
  const attempt = async (from: GuestState): Promise<RunResult> => {
    const base = await openBaseTree(deps, request.guest.id, from, call.signal);
    return new BackupRun(deps, request, call, run, base).make();
  };
  return attempt(state).catch((error: unknown) => {
    if (kindOfResticError(error) !== 'no_snapshot') throw error;
    const { last: _, ...rest } = state;
    return attempt(rest);
  });
};

/** Whether what a run has stored makes the last backup doubtful, too. */
const isSpoiled = (error: unknown): boolean =>
  error instanceof SpoiledError || kindOfResticError(error) === 'incomplete';

const explain = (error: unknown, { dir }: BackupDeps): unknown =>
  isErrno(error, 'ENOSPC', 'EDQUOT')
    ? new Refusal(
        'no_space',
        `no space left in ${dir} for the changed parts of the guest's disks: make room there, or lower --scratch`,
        { cause: error },
      )
    : withRepairAdvice(error);

/** Reads a backup back before it is recorded. @throws when the repository does not return what was backed up */
const readBack = async (
  deps: BackupDeps,
  { snapshot, backup, stored }: RunResult,
  call: Call,
): Promise<Verification> => {
  await readAll(deps, { backup: withSize(backup, stored), snapshot }, call);
  return { at: new Date().toISOString(), ok: true };
};

/** Runs one attempt. Whatever interrupts it, its snapshots are no backups until the last line has recorded them. */
const runOnce = async (
  deps: BackupDeps,
  request: CreateBackupRequest,
  call: Call,
  state: GuestState,
): Promise<Backup> => {
  const { dir, states, runs, records, sweeper, damage } = deps;
  const { guest, backup: id } = request;
  const { tree: _, ...withoutTree } = state;
  await states.write(guest.id, withoutTree);
  const run = randomUUID();
  await runs.begin(run, guest.id);
  try {
    const result = await makeSnapshot(deps, request, call, { run, state });
    const { snapshot, backup, stamp, stored, hasParts } = result;
    const verified = (await damage.isKnown()) ? await readBack(deps, result, call) : undefined;
    const known = verified === undefined ? {} : { verified };
    await records.write(id, { stored, ...known });
    const tree = { boot: await bootId(), stamp };
    await states.write(guest.id, { last: { backup: id, snapshot, run, disks: backup.disks }, tree });
    await runs.succeed(run, hasParts);
    if (hasParts) sweeper.start(false);
    return { ...withSize(backup, stored), ...known };
  } catch (error) {
    runs.fail(run);
    sweeper.start(true);
    await rm(join(treesDir(dir), guest.id), { recursive: true, force: true });
    if (isSpoiled(error)) await states.write(guest.id, { ...withoutTree, fresh: true });
    throw error;
  }
};

/** `Backup.Create`: reads a guest's disks, and stores what has changed since its last backup. */
export const createBackup =
  (deps: BackupDeps) =>
  async (request: CreateBackupRequest, call: Call): Promise<BackupResponse> => {
    const { repository, catalog, states, locks, dir, damage } = deps;
    const { guest, backup: id } = request;
    return locks.run(guestKey(guest.id), async () => {
      await repository.ensure(call.signal);
      const state = await states.read(guest.id);
      const mayExist = state.last?.backup === id || isRepeated(call);
      const existing = mayExist ? await catalog.find(id, call.signal) : undefined;
      if (existing) return { backup: existing.backup };
      await requireUnreadable(treesDir(dir), PROBE, repository.settings.user);
      const backup = await runOnce(deps, request, call, state)
        // What the last backup does not give is stored again, while the disks are still open.
        .catch(async (error: unknown) => {
          const isNew = isDamage(error) && !(await damage.isKnown());
          if (isNew) await damage.record(errorMessage(error));
          else if (!isSpoiled(error) || state.fresh) throw error;
          return runOnce(deps, request, call, { fresh: true });
        })
        .catch((error: unknown) => {
          throw explain(error, deps);
        });
      return {
        backup,
        ...(backup.whole === undefined ? {} : { message: `everything was read: ${backup.whole}` }),
      };
    });
  };
