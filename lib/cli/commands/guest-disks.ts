import type { Command } from 'commander';
import type { DiskUse } from '../../client/index.js';
import { formatMb } from '../../portable/format.js';
import { guestId } from '../names.js';
import type { Column } from '../output.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<DiskUse & { number: number }>[] = [
  { title: 'DISK', value: ({ number }) => String(number), right: true },
  { title: 'DEVICE', value: ({ device }) => device },
  { title: 'SERIAL', value: ({ serial }) => serial },
  { title: 'SIZE', value: ({ size }) => formatMb(size), right: true },
  { title: 'USED', value: ({ used }) => formatMb(used), right: true },
  { title: 'BUS', value: ({ bus }) => bus },
  { title: 'IMAGE', value: ({ image }) => image },
];

export const addDisks = (guest: Command): void => {
  guest
    .command('disks <guest>')
    .description('list the disks of a guest and the space that they take, with their snapshots')
    .action(
      withSession(async ({ client, out }, text: string) => {
        const disks = await client.guests.disks(await guestId(client, text));
        if (out.json) return out.value(disks);
        await out.list(
          disks.map((disk, number) => ({ ...disk, number })),
          COLUMNS,
          { empty: 'no disks' },
        );
      }),
    );
};
