import type { Command } from 'commander';
import type { Snapshot } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { parseSnapshotId } from '../../portable/snapshot-id.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addConfirmOption, type ConfirmOptions, confirm } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';
import { addDiskOption, type DiskOption, snapshotsOf } from './disk-option.js';
import { addDownload } from './snapshot-download.js';

const COLUMNS: readonly Column<Partial<Snapshot>>[] = [
  { title: 'NAME', value: ({ id = '' }) => parseSnapshotId(id).name ?? id, from: ['id'] },
  { title: 'DISK', value: ({ id = '' }) => parseSnapshotId(id).disk, from: ['id'] },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'USED', value: ({ used }) => formatMb(used), right: true },
  { title: 'MEMORY', value: ({ memory }) => formatMb(memory), right: true },
  { title: 'CONSISTENCY', value: ({ consistency }) => consistency },
  { title: 'DESCRIPTION', value: ({ description }) => description },
];

interface RollbackChoices {
  destroyMoreRecent?: boolean;
  /** True unless `--no-memory` is given. */
  memory: boolean;
  poweroff?: boolean;
}

type DescriptionOption = { description?: string };

const addSet = (snapshot: Command): void => {
  addJobOptions(
    addDiskOption(
      snapshot
        .command('set <guest> <name>')
        .description('change the description of a snapshot')
        .requiredOption('--description <text>', 'what the snapshot is for, in one line; "" removes it'),
    ),
  ).action(
    withSession(
      async (
        session,
        guest: string,
        name: string,
        options: DiskOption & FollowOptions & Required<DescriptionOption>,
      ) => {
        const snapshots = await snapshotsOf(session.client, guest, options);
        const accepted = await snapshots.describe(name, options.description, { dryRun: options.dryRun });
        await reportJob(session, accepted, `describe snapshot ${name} of ${guest}`, options);
      },
    ),
  );
};

export const addSnapshotCommands = (program: Command): void => {
  const snapshot = program
    .command('snapshot')
    .description('manage snapshots of the disks of guests')
    .addHelpText(
      'after',
      `
Examples:
  mistify snapshot create web before-upgrade --description 'before Debian 13' --wait
  mistify guest shutdown web --wait && mistify snapshot rollback web before-upgrade --yes --wait
  mistify snapshot create web running --memory --wait
  mistify snapshot rollback web running --poweroff --yes --wait
  mistify snapshot download web before-upgrade --disk 0 -o web.raw`,
    );

  addDiskOption(snapshot.command('list <guest>').description('list the snapshots of a guest'))
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, guest: string, options: DiskOption & { fields?: string[] }) => {
        const { fields } = options;
        const { items } = await (await snapshotsOf(client, guest, options)).list({
          fields: keysFor(fields, COLUMNS),
        });
        await out.list<Partial<Snapshot>>(items, COLUMNS, { fields, empty: 'no snapshots' });
      }),
    );

  addJobOptions(
    addDiskOption(
      snapshot
        .command('create <guest> [name]')
        .description('create a snapshot of all disks of a guest at the same moment')
        .option('--description <text>', 'what the snapshot is for, in one line')
        .option(
          '--memory',
          'with the memory of the running guest, so that a rollback goes back to this moment',
        ),
    ),
  ).action(
    withSession(
      async (
        session,
        guest: string,
        name: string | undefined,
        options: DiskOption & FollowOptions & DescriptionOption & { memory?: boolean },
      ) => {
        const { dryRun, description, memory } = options;
        const snapshots = await snapshotsOf(session.client, guest, options);
        const accepted = await snapshots.create(name, { dryRun, description, memory });
        await reportJob(session, accepted, `snapshot ${name ?? ''} of ${guest}`.replace('  ', ' '), options);
      },
    ),
  );

  addSet(snapshot);

  addConfirmOption(
    addJobOptions(
      addDiskOption(
        snapshot
          .command('rollback <guest> <name>')
          .description(
            'roll a guest that is off back to a snapshot; if that has its memory, the guest continues from that moment',
          ),
      ),
    ),
  )
    .option('--destroy-more-recent', 'destroy newer snapshots, which otherwise block the rollback')
    .option('--no-memory', 'roll back the disks only; the guest stays off')
    .option('--poweroff', 'power the guest off first, if it runs')
    .action(
      withSession(
        async (
          session,
          guest: string,
          name: string,
          options: DiskOption & FollowOptions & ConfirmOptions & RollbackChoices,
        ) => {
          const { dryRun, destroyMoreRecent, poweroff } = options;
          const lost = destroyMoreRecent ? 'All later changes and snapshots' : 'All later changes';
          await confirm(`Roll ${guest} back to ${name}? ${lost} are lost.`, options);
          const snapshots = await snapshotsOf(session.client, guest, options);
          const memory = options.memory ? undefined : false;
          const accepted = await snapshots.rollBack(name, { dryRun, destroyMoreRecent, memory, poweroff });
          await reportJob(session, accepted, `roll ${guest} back to ${name}`, options);
        },
      ),
    );

  addConfirmOption(
    addJobOptions(
      addDiskOption(snapshot.command('delete <guest> <name...>').description('delete snapshots of a guest')),
    ),
  ).action(
    withSession(
      async (
        session,
        guest: string,
        given: string[],
        options: DiskOption & FollowOptions & ConfirmOptions,
      ) => {
        const names = [...new Set(given)];
        const what = names.length === 1 ? 'snapshot' : `${names.length} snapshots`;
        await confirm(`Delete ${what} ${names.join(', ')} of ${guest}?`, options);
        const snapshots = await snapshotsOf(session.client, guest, options);
        const requests = names.map((name) => ({
          title: `delete snapshot ${name} of ${guest}`,
          send: () => snapshots.delete(name, { dryRun: options.dryRun }),
        }));
        await reportJobs(session, requests, options);
      },
    ),
  );

  addDownload(snapshot);
};
