import type { Command } from 'commander';
import { MistifyError } from '../../client/errors.js';
import type { Guest, GuestAddress } from '../../client/index.js';
import { errorMessage } from '../../errors.js';
import { isOn } from '../../model/intent.js';
import type { Column } from '../columns.js';
import { guestId } from '../names.js';
import { type Session, withSession } from '../session.js';

const COLUMNS: readonly Column<GuestAddress>[] = [
  { title: 'ADDRESS', value: ({ address }) => address },
  { title: 'NIC', value: ({ nic }) => nic },
  { title: 'MAC', value: ({ mac }) => mac },
  { title: 'SOURCE', value: ({ source }) => source },
];

/** A guest that hangs must not delay what else is known of it. */
const WAIT_MS = 5000;
/** The agent has no action for it. */
const NOT_CONFIGURED = 404;

/** Adds the addresses that a guest has right now. One that is off has none but those of its NICs. */
export const withAddresses = async ({ client, out }: Session, guest: Guest): Promise<Guest> => {
  if (!isOn(guest)) return guest;
  try {
    const addresses = await client.guests.addresses(guest.id, { signal: AbortSignal.timeout(WAIT_MS) });
    return addresses.length === 0 ? guest : { ...guest, addresses };
  } catch (error) {
    const isUnknown = !(error instanceof MistifyError && error.status === NOT_CONFIGURED);
    if (isUnknown) out.note(`addresses unknown: ${errorMessage(error)}`);
    return guest;
  }
};

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
