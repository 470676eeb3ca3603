import type { Command } from 'commander';
import type { Snapshot } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { type FollowOptions, queues, tellOfJob } from '../follow.js';
import { type Column, parseFields } from '../output.js';
import { talking } from '../session.js';
import { type DiskOption, ofDisk, snapshotsOf } from './disk-option.js';
import { addDownload } from './snapshot-download.js';

/** `guests/GUEST/disk-DISK@NAME` taken apart. */
const parts = (id: string): { disk?: string; name?: string } =>
  /(?:\/disk-(?<disk>[^@]+))?@(?<name>.+)$/.exec(id)?.groups ?? {};

const COLUMNS: readonly Column<Partial<Snapshot>>[] = [
  { title: 'NAME', value: ({ id = '' }) => parts(id).name ?? id },
  { title: 'DISK', value: ({ id = '' }) => parts(id).disk },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'CONSISTENCY', value: ({ consistency }) => consistency },
];

export const addSnapshotCommands = (program: Command): void => {
  const snapshot = program
    .command('snapshot')
    .description("snapshots of guests' disks")
    .addHelpText(
      'after',
      `
Examples:
  mistify snapshot create web before-upgrade --wait
  mistify guest shutdown web --wait && mistify snapshot rollback web before-upgrade --wait
  mistify snapshot download web before-upgrade --disk 0 -o web.raw`,
    );

  ofDisk(snapshot.command('list <guest>').description('the snapshots of a guest'))
    .option('--fields <keys>', 'only these keys of each, between commas', parseFields)
    .action(
      talking(
        async ({ client, out }, guest: string, options: DiskOption & { fields?: (keyof Snapshot)[] }) => {
          const { fields } = options;
          const { items } = await (await snapshotsOf(client, guest, options)).list({ fields });
          await out.list<Partial<Snapshot>>(items, COLUMNS, { fields, none: 'no snapshots' });
        },
      ),
    );

  queues(
    ofDisk(
      snapshot
        .command('create <guest> [name]')
        .description('take a snapshot of all disks of a guest, at the same moment'),
    ),
  ).action(
    talking(async (session, guest: string, name: string | undefined, options: DiskOption & FollowOptions) => {
      const snapshots = await snapshotsOf(session.client, guest, options);
      const accepted = await snapshots.create(name, { dryRun: options.dryRun });
      await tellOfJob(session, accepted, `snapshot ${name ?? ''} of ${guest}`.replace('  ', ' '), options);
    }),
  );

  queues(
    ofDisk(
      snapshot
        .command('rollback <guest> <name>')
        .description('take a guest, which is off, back to a snapshot'),
    ),
  )
    .option('--destroy-more-recent', 'destroy newer snapshots, which are in the way')
    .action(
      talking(
        async (
          session,
          guest: string,
          name: string,
          options: DiskOption & FollowOptions & { destroyMoreRecent?: boolean },
        ) => {
          const { dryRun, destroyMoreRecent } = options;
          const snapshots = await snapshotsOf(session.client, guest, options);
          const accepted = await snapshots.rollBack(name, { dryRun, destroyMoreRecent });
          await tellOfJob(session, accepted, `roll ${guest} back to ${name}`, options);
        },
      ),
    );

  queues(ofDisk(snapshot.command('delete <guest> <name>').description('delete a snapshot'))).action(
    talking(async (session, guest: string, name: string, options: DiskOption & FollowOptions) => {
      const snapshots = await snapshotsOf(session.client, guest, options);
      const accepted = await snapshots.delete(name, { dryRun: options.dryRun });
      await tellOfJob(session, accepted, `delete snapshot ${name} of ${guest}`, options);
    }),
  );

  addDownload(snapshot);
};
