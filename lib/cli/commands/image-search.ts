import type { Command } from 'commander';
import type { CatalogueImage, CatalogueQuery } from '../../client/index.js';
import { formatBytes } from '../../portable/format.js';
import { describeProblems } from '../catalogue.js';
import type { Column } from '../columns.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<CatalogueImage>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'TITLE', value: ({ title }) => title },
  { title: 'ARCH', value: ({ arch }) => arch },
  { title: 'VERSION', value: ({ version }) => version ?? 'latest' },
  { title: 'SIZE', value: ({ size }) => (size === undefined ? '' : formatBytes(size)), right: true },
  { title: 'SOURCE', value: ({ source }) => source },
  { title: 'ALSO', value: ({ aliases }) => aliases.slice(0, 3).join(', ') },
];

const NOTES = `
The catalogue is what the sources in the agent's config offer. Their lists are kept for some hours.

Examples:
  mistify image search debian
  mistify image fetch debian/13 --wait
  mistify guest create debian/13 --memory 1G --cpu 1 --ssh-key ~/.ssh/id_ed25519.pub --name web`;

export const addSearch = (image: Command): void => {
  image
    .command('search [words...]')
    .description('search the catalogue for images that can be fetched by name')
    .option('--arch <arch>', 'architecture, such as aarch64, or all; by default that of the host')
    .option('--source <source>', 'only images of this source in the config')
    .addHelpText('after', NOTES)
    .action(
      withSession(async ({ client, out }, words: string[], options: Omit<CatalogueQuery, 'search'>) => {
        const listing = await client.catalogue({ ...options, search: words.join(' ') });
        if (out.json) return out.value(listing);
        for (const problem of describeProblems(listing)) out.note(problem);
        const empty =
          listing.sources.length === 0
            ? 'the config has no catalogue.sources: docs/catalogue.md'
            : 'no such image in the catalogue';
        await out.list(listing.images, COLUMNS, { empty });
      }),
    );
};
