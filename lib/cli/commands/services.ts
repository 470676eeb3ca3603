import type { Command } from 'commander';
import type { ServiceStatus } from '../../client/index.js';
import type { Column } from '../columns.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<ServiceStatus>[] = [
  { title: 'SERVICE', value: ({ name }) => name },
  { title: 'PART', value: ({ part }) => part },
  { title: 'STATE', value: ({ up }) => (up ? 'up' : 'down'), state: true },
  { title: 'REASON', value: ({ reason, problems }) => reason ?? problems?.join('; ') },
];

export const addServicesCommand = (program: Command): void => {
  program
    .command('services')
    .description('list the services of the sub-agents, and why those that are down do not respond')
    .action(
      withSession(async ({ client, out }) => {
        await out.list(await client.services(), COLUMNS, { empty: 'no services in the config' });
      }),
    );
};
