import type { Command } from 'commander';
import type { FleetHost } from '../../client/index.js';
import { formatAge, formatMb } from '../../portable/format.js';
import type { Column } from '../columns.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<FleetHost>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'STATE', value: ({ state }) => state, state: true },
  { title: 'SINCE', value: ({ since }) => since && formatAge(since) },
  { title: 'GUESTS', value: ({ used }) => String(used.guests), right: true },
  { title: 'VCPUS', value: ({ used, capacity }) => `${used.cpus} of ${capacity.cpus}`, right: true },
  {
    title: 'MEMORY',
    value: ({ used, capacity }) => `${formatMb(used.memory)} of ${formatMb(capacity.memory)}`,
    right: true,
  },
  { title: 'ADDRESS', value: ({ address }) => address },
];

export const addHostsCommand = (program: Command): void => {
  const hosts = program
    .command('hosts')
    .description('manage the hosts of the fleet')
    .addHelpText(
      'after',
      `
Examples:
  mistify hosts list
  mistify hosts show 6f0e2f0c-9d5c-4f5e-8a52-0c6d5b0f7c11
  mistify hosts forget 6f0e2f0c-9d5c-4f5e-8a52-0c6d5b0f7c11`,
    );

  hosts
    .command('list')
    .description('list the hosts, and whether their agents are there')
    .action(
      withSession(async ({ client, out }) => {
        await out.list(await client.hosts.list(), COLUMNS, { empty: 'no hosts in the fleet' });
      }),
    );

  hosts
    .command('show <host>')
    .description("show a host, its agent's lease, and whether its agent answers")
    .action(
      withSession(async ({ client, out }, _options, id) => {
        await out.one(await client.hosts.get(id));
      }),
    );

  hosts
    .command('forget <host>')
    .description('remove a host that will not return from the fleet; its guests stay as they are')
    .action(
      withSession(async ({ client, out }, _options, id) => {
        await out.one(await client.hosts.forget(id));
      }),
    );
};
