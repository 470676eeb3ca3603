import type { Command } from 'commander';
import type { MistifyClient, Volume } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addConfirmOption } from '../confirm.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { namesOfGuests } from '../names.js';
import { addPair, parseMb } from '../option-values.js';
import { type Prune, type PruneOptions, reportPrune } from '../prune.js';
import { reportJobs } from '../report-jobs.js';
import { withSession } from '../session.js';
import { addVolumeBackupCommands } from './volume-backup.js';
import { addVolumeTransfers } from './volume-transfer.js';

/** @param names of the guests, by ID */
const columns = (names: ReadonlyMap<string, string>): Column<Volume>[] => [
  { title: 'VOLUME', value: ({ name }) => name, from: ['name'] },
  { title: 'LIMIT', value: ({ size }) => formatMb(size), right: true, from: ['size'] },
  { title: 'CREATED', value: ({ created }) => created },
  { title: 'GUESTS', value: ({ guests }) => guests?.map((id) => names.get(id) ?? id).join(', ') },
];

/** Reads the names of guests only where they are shown. */
const namesShown = async (client: MistifyClient, volumes: readonly Volume[], isShown: boolean) =>
  isShown && volumes.some(({ guests = [] }) => guests.length > 0)
    ? namesOfGuests(client)
    : new Map<string, string>();

interface CreateOptions extends FollowOptions {
  size?: number;
  label?: Record<string, string>;
}

const addPrune = (volume: Command): void => {
  const command = addJobOptions(
    volume.command('prune').description('delete the volumes that no container and no guest uses'),
  );
  addConfirmOption(command).action(
    withSession(async (session, options: PruneOptions) => {
      const { volumes } = session.client;
      const plan = (await volumes.prune({}, { dryRun: true })).body;
      const prune: Prune<Volume> = {
        word: 'volume',
        describe: ({ name, created, target }) => [name, created, target].filter(Boolean).join('  '),
        send: (agreed) => volumes.prune({ volumes: agreed.map(({ name }) => name) }),
      };
      await reportPrune(session, plan, prune, options);
    }),
  );
};

export const addVolumeCommands = (program: Command): void => {
  const volume = program
    .command('volume')
    .description('manage the named volumes of containers')
    .addHelpText(
      'after',
      `
Examples:
  mistify volume create shop-data --label team=shop --wait
  mistify volume list
  mistify volume show shop-data
  mistify volume download shop-data -o shop-data.tar
  mistify volume upload shop-data.tar shop-copy
  mistify volume backup create shop-data --wait`,
    );

  volume
    .command('list')
    .description('list the volumes and the guests that use them')
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, { fields }: { fields?: string[] }) => {
        const { items } = await client.volumes.list({ fields: keysFor(fields, columns(new Map())) });
        const volumes = items as Volume[];
        const names = await namesShown(client, volumes, !out.json && !fields);
        await out.list(volumes, columns(names), {
          fields,
          empty: 'no volumes; create one with: mistify volume create',
        });
      }),
    );

  volume
    .command('show <volume>')
    .description('show a volume, with what it takes on the disk')
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, name: string, { fields }: { fields?: string[] }) =>
        out.one(await client.volumes.get(name), fields),
      ),
    );

  addJobOptions(
    volume
      .command('create <name>')
      .description('create a volume')
      .option('--size <size>', 'the most that it can hold, where the engine enforces it: 10G, 512M', parseMb)
      .option('--label <key=value>', 'label of your own; may be repeated', addPair),
  ).action(
    withSession(async (session, name: string, { size, label, ...options }: CreateOptions) => {
      const wanted = { name, ...(size === undefined ? {} : { size }), ...(label ? { labels: label } : {}) };
      const accepted = await session.client.volumes.create(wanted, { dryRun: options.dryRun });
      await reportJob(session, accepted, `create volume ${name}`, options);
    }),
  );

  addVolumeTransfers(volume);

  addJobOptions(
    volume.command('delete <volume...>').description('delete volumes that no guest uses, with their files'),
  ).action(
    withSession(async (session, names: string[], options: FollowOptions) => {
      const requests = [...new Set(names)].map((name) => ({
        title: `delete volume ${name}`,
        send: () => session.client.volumes.delete(name, { dryRun: options.dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );

  addPrune(volume);
  addVolumeBackupCommands(volume);
};
