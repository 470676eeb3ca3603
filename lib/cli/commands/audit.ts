import type { Command } from 'commander';
import type { AuditFilter, AuditRecord } from '../../client/index.js';
import { auditOutcome, auditTarget } from '../../portable/audit-words.js';
import type { Column } from '../columns.js';
import { parseCount } from '../option-values.js';
import { withSession } from '../session.js';
import { parseSince } from '../since.js';

const DEFAULT_LIMIT = 50;

const COLUMNS: readonly Column<AuditRecord>[] = [
  { title: 'TIME', value: ({ time }) => time },
  { title: 'BY', value: ({ principal }) => principal },
  { title: 'ACTION', value: ({ action, schedule }) => action ?? schedule },
  { title: 'TARGET', value: auditTarget },
  { title: 'OUTCOME', value: auditOutcome },
];

interface AuditOptions extends AuditFilter {
  limit: number;
}

export const addAuditCommand = (program: Command): void => {
  program
    .command('audit')
    .description('list who changed what, newest first, also for guests that are deleted')
    .option('--guest <guest>', 'only this guest: its ID, or the name that it had')
    .option('--by <client>', 'only this client: the name of its token or certificate')
    .option('--action <action>', 'only this action, such as delete')
    .option('--since <time>', 'leave out what is older: a time, or 10m, 2h, 3d', (text) => parseSince(text))
    .option('--until <time>', 'leave out what is newer', (text) => parseSince(text))
    .option('--limit <count>', 'how many entries to list', parseCount, DEFAULT_LIMIT)
    .addHelpText(
      'after',
      `
Each change has an entry when it is requested, and one when its job has ended.

Examples:
  mistify audit --guest web --since 3d
  mistify audit --by ci --action delete`,
    )
    .action(
      withSession(async ({ client, out }, { limit, ...filter }: AuditOptions) => {
        const found: AuditRecord[] = [];
        // A page may be short although another one follows.
        for await (const record of client.audit.every({ ...filter, limit: Math.min(limit, DEFAULT_LIMIT) })) {
          found.push(record);
          if (found.length >= limit) break;
        }
        await out.list(found, COLUMNS, { empty: 'no entries' });
      }),
    );
};
