import { type Command, Option } from 'commander';
import type { Images } from '../../client/images.js';
import type { Image, MistifyClient } from '../../client/index.js';
import type { ImageFetch } from '../../model/image.js';
import { FETCH_FORMATS } from '../../model/image-formats.js';
import { formatMb, shortImageId } from '../../portable/format.js';
import { findInCatalogue } from '../catalogue.js';
import { type Column, keysFor, parseFields } from '../columns.js';
import { addJobOptions, type FollowOptions, reportJob } from '../follow.js';
import { reportJobs } from '../report-jobs.js';
import { type Session, withSession } from '../session.js';
import { addContainerImageCommands } from './container-image.js';
import { addImageCreate } from './image-create.js';
import { addSearch } from './image-search.js';
import { addDownload, addUpload } from './image-transfer.js';

const COLUMNS: readonly Column<Image>[] = [
  { title: 'ID', value: ({ id }) => shortImageId(id) },
  { title: 'TYPE', value: ({ type, kind }) => (kind === 'iso' ? kind : type) },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'USED', value: ({ used }) => formatMb(used), right: true },
  { title: 'STATUS', value: ({ status }) => status, state: true },
];

interface StoreOption {
  container?: boolean;
}

const storeOf = (client: MistifyClient, { container }: StoreOption): Images =>
  container ? client.containerImages : client.images;

const addContainerOption = (command: Command): Command =>
  command.option('--container', 'container images instead of disk images');

const FETCH_KEYS = ['sha256', 'sha512', 'sums', 'format', 'refresh', 'platform'] as const;

type FetchOptions = StoreOption & FollowOptions & Pick<ImageFetch, (typeof FETCH_KEYS)[number]>;

/** Leaves out what the command line does not name. */
const given = (options: FetchOptions): Partial<ImageFetch> =>
  Object.fromEntries(FETCH_KEYS.flatMap((key) => (options[key] ? [[key, options[key]]] : [])));

/** Returns the request for an image of the catalogue; `undefined` when the catalogue has none of that name. */
const offeredImage = async ({ client, out }: Session, name: string): Promise<ImageFetch | undefined> => {
  const { image, problems } = await findInCatalogue(client, name);
  if (!image) for (const problem of problems) out.note(problem);
  return image?.fetch;
};

export const addImageCommands = (program: Command): void => {
  const image = program
    .command('image')
    .description('manage the images that guests are created from')
    .addHelpText(
      'after',
      `
Examples:
  mistify image search debian
  mistify image fetch debian/13 --wait
  mistify image fetch debian-12 https://cloud.example.org/debian-12.qcow2 --wait
  mistify image fetch docker.io/library/busybox:1 --container --wait
  mistify image list`,
    );

  addContainerOption(image.command('list').description('list the images of this host'))
    .option('--fields <keys>', 'only these keys or columns, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, options: StoreOption & { fields?: string[] }) => {
        const { fields } = options;
        const { items } = await storeOf(client, options).list({ fields: keysFor(fields, COLUMNS) });
        await out.list<Partial<Image>>(items, COLUMNS as Column<Partial<Image>>[], {
          fields,
          empty: 'no images; fetch one with: mistify image fetch',
        });
      }),
    );

  addContainerOption(image.command('show <image>').description('show an image'))
    .option('--fields <keys>', 'only these keys, separated by commas', parseFields)
    .action(
      withSession(async ({ client, out }, id: string, options: StoreOption & { fields?: string[] }) =>
        out.one(await storeOf(client, options).get(id), options.fields),
      ),
    );

  addJobOptions(
    addContainerOption(
      image
        .command('fetch <image> [source]')
        .description(
          'fetch an image from an http, https or file URL; by default from the catalogue, the image server or, with --container, its registry',
        )
        .option('--sha256 <sum>', 'expected SHA-256 sum of the downloaded file, in hex')
        .option('--sha512 <sum>', 'expected SHA-512 sum of the downloaded file, in hex')
        .option('--sums <url>', 'file of sha256 or sha512 sums that lists the source by its name')
        .option(
          '--refresh',
          'fetch the image again if it exists; guests keep the version that they were made of',
        )
        .option('--platform <platform>', 'platform of a container image of a registry, such as linux/arm64')
        .addOption(
          new Option('--format <format>', 'format of the file, where it does not show what it is').choices(
            FETCH_FORMATS,
          ),
        ),
    ),
  ).action(
    withSession(async (session, id: string, source: string | undefined, options: FetchOptions) => {
      const offered = source || options.container ? undefined : await offeredImage(session, id);
      const request: ImageFetch = {
        ...(offered ?? { id }),
        ...(source ? { source } : {}),
        ...given(options),
      };
      const accepted = await storeOf(session.client, options).fetch(request, { dryRun: options.dryRun });
      await reportJob(session, accepted, `fetch ${request.id}`, options);
    }),
  );

  addSearch(image);
  addImageCreate(image);
  addUpload(image);
  addDownload(image);
  addContainerImageCommands(image);

  addJobOptions(
    addContainerOption(image.command('delete <image...>').description('delete images that no guest uses')),
  ).action(
    withSession(async (session, ids: string[], options: StoreOption & FollowOptions) => {
      const { dryRun } = options;
      const store = storeOf(session.client, options);
      const requests = [...new Set(ids)].map((id) => ({
        title: `delete image ${id}`,
        send: () => store.delete(id, { dryRun }),
      }));
      await reportJobs(session, requests, options);
    }),
  );
};
