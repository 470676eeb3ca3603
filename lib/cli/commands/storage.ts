import type { Command } from 'commander';
import { formatMb } from '../../portable/format.js';
import { withSession } from '../session.js';

export const addStorageCommand = (program: Command): void => {
  program
    .command('storage')
    .description('show how much space images and disks have, and what deleted guests and images still take')
    .addHelpText(
      'after',
      `
Examples:
  mistify storage
  mistify storage --json`,
    )
    .action(
      withSession(async ({ client, out }) => {
        const space = await client.storage();
        if (out.json) return out.value(space);
        const { size, used, free, leftovers } = space;
        await out.one({ size: formatMb(size), used: formatMb(used), free: formatMb(free) });
        for (const leftover of leftovers) out.line(leftover);
      }),
    );
};
