import type { Guest, Nic } from '../model/guest.js';
import type { GuestAddress } from '../model/guest-addresses.js';
import { USER_NETWORK } from '../model/nics.js';

/** Addresses that only the guest's own link knows. */
const LINK_LOCAL = /^(fe[89ab][0-9a-f]:|169\.254\.)/i;

const version = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/**
 * Lists the addresses of a guest at which a host can reach it, the best known first and IPv4 before IPv6.
 * @param found the addresses that are known, the best source first
 */
export const reachableAddresses = (
  { type, nics = [] }: Pick<Guest, 'type' | 'nics'>,
  found: readonly GuestAddress[],
): string[] => {
  // Through QEMU a guest gets out, but nothing gets in. An engine has a network for the containers that name none.
  const isCutOff = ({ network }: Nic): boolean => type !== 'container' && network === USER_NETWORK;
  const cutOff = new Set(nics.filter(isCutOff).map(({ name }) => name));
  // A guest agent also names the bridges inside the guest, which are not its NICs.
  const isOfNic = ({ nic, source }: GuestAddress): boolean => nic !== undefined || source !== 'guest agent';
  const addresses = found
    .filter((each) => isOfNic(each) && !cutOff.has(each.nic) && !LINK_LOCAL.test(each.address))
    .map(({ address }) => address)
    .sort((one, other) => version(one) - version(other));
  return [...new Set(addresses)];
};
