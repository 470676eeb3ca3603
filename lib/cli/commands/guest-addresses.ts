import type { Command } from 'commander';
import type { GuestAddress } from '../../client/index.js';
import { guestId } from '../names.js';
import type { Column } from '../output.js';
import { withSession } from '../session.js';

const COLUMNS: readonly Column<GuestAddress>[] = [
  { title: 'ADDRESS', value: ({ address }) => address },
  { title: 'NIC', value: ({ nic }) => nic },
  { title: 'MAC', value: ({ mac }) => mac },
  { title: 'SOURCE', value: ({ source }) => source },
];

export const addAddresses = (guest: Command): void => {
  guest
    .command('addresses <guest>')
    .description('list the IP addresses of a guest that are known, and how')
    .action(
      withSession(async ({ client, out }, text: string) => {
        const addresses = await client.guests.addresses(await guestId(client, text));
        await out.list(addresses, COLUMNS, { empty: 'no address is known' });
      }),
    );
};
