import type { Command } from 'commander';
import type { Images } from '../../client/images.js';
import type { Image, MistifyClient } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { type FollowOptions, queues, tellOfJob } from '../follow.js';
import { type Column, parseFields } from '../output.js';
import { talking } from '../session.js';

const COLUMNS: readonly Column<Image>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'STATUS', value: ({ status }) => status, state: true },
];

interface StoreOption {
  container?: boolean;
}

const store = (client: MistifyClient, { container }: StoreOption): Images =>
  container ? client.containerImages : client.images;

const ofContainers = (command: Command): Command =>
  command.option('--container', 'images of containers, not of disks');

export const addImageCommands = (program: Command): void => {
  const image = program
    .command('image')
    .description('images that guests are made from')
    .addHelpText(
      'after',
      `
Examples:
  mistify image fetch debian-12 https://cloud.example.org/debian-12.qcow2 --wait
  mistify image fetch docker.io/library/busybox:1 --container --wait
  mistify image list`,
    );

  ofContainers(image.command('list').description('the images of this host'))
    .option('--fields <keys>', 'only these keys of each, between commas', parseFields)
    .action(
      talking(async ({ client, out }, options: StoreOption & { fields?: (keyof Image)[] }) => {
        const { fields } = options;
        const { items } = await store(client, options).list({ fields });
        await out.list<Partial<Image>>(items, COLUMNS as Column<Partial<Image>>[], {
          fields,
          none: 'no images: fetch one with mistify image fetch',
        });
      }),
    );

  ofContainers(image.command('show <image>').description('all that is known of an image'))
    .option('--fields <keys>', 'only these keys, between commas', parseFields)
    .action(
      talking(async ({ client, out }, id: string, options: StoreOption & { fields?: string[] }) =>
        out.one(await store(client, options).get(id), options.fields),
      ),
    );

  queues(
    ofContainers(
      image
        .command('fetch <image> [source]')
        .description('fetch an image: from an http, https or file URL, or from the image server')
        .option('--sha256 <sum>', 'what the file, as it is served, must have as its SHA-256 sum, in hex'),
    ),
  ).action(
    talking(
      async (
        session,
        id: string,
        source: string | undefined,
        options: StoreOption & FollowOptions & { sha256?: string },
      ) => {
        const { sha256, dryRun } = options;
        const fetch = { id, ...(source ? { source } : {}), ...(sha256 ? { sha256 } : {}) };
        const accepted = await store(session.client, options).fetch(fetch, { dryRun });
        await tellOfJob(session, accepted, `fetch ${id}`, options);
      },
    ),
  );

  queues(
    ofContainers(image.command('delete <image>').description('delete an image that no guest uses')),
  ).action(
    talking(async (session, id: string, options: StoreOption & FollowOptions) => {
      const { dryRun } = options;
      const accepted = await store(session.client, options).delete(id, { dryRun });
      await tellOfJob(session, accepted, `delete image ${id}`, options);
    }),
  );
};
