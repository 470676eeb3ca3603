import type { Command } from 'commander';
import type { HostNetwork } from '../../client/index.js';
import type { Column } from '../columns.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<HostNetwork>[] = [
  { title: 'NETWORK', value: ({ name }) => name },
  { title: 'KIND', value: ({ kind, driver }) => (driver ? `${kind} (${driver})` : kind) },
  { title: 'GUESTS', value: ({ guests }) => guests.join(', ') },
  { title: 'SUBNETS', value: ({ subnets }) => subnets.join(', ') },
  { title: 'USABLE', value: ({ usable }) => (usable ? 'yes' : 'no') },
  { title: 'REASON', value: ({ reason }) => reason },
];

export const addNetworksCommand = (program: Command): void => {
  program
    .command('networks')
    .description('list the networks of the host, and which guests can use them')
    .addHelpText(
      'after',
      `
Examples:
  mistify networks
  mistify networks --json`,
    )
    .action(
      withSession(async ({ client, out }) => {
        const listed = await client.networks();
        if (out.json) return out.value(listed);
        await out.list(listed.networks, COLUMNS, { empty: 'no networks' });
        for (const problem of listed.problems) out.note(problem);
      }),
    );
};
