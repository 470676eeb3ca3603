import type { Nic } from './guest.js';
import type { GuestAddress } from './guest-addresses.js';

/** Lists the addresses that NICs are to have. */
export const staticAddresses = (nics: readonly Nic[]): GuestAddress[] =>
  nics.flatMap(({ name, mac, address }) =>
    address === ''
      ? []
      : [
          {
            address: address.split('/')[0] ?? '',
            ...(name ? { nic: name } : {}),
            ...(mac ? { mac } : {}),
            source: 'static' as const,
          },
        ],
  );
