import type { Nic } from '../../../model/guest.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { interfaceAddress } from '../../shared/network/addresses.js';
import { assertOneGateway, generateMac, tapName } from '../../shared/network/nics.js';
import { isNativeVlan } from '../../shared/network/switch.js';
import { checkEngineNetwork, hasNoName, isAlone, type NetworkDeps } from './engine-network.js';
import { networks } from './switches.js';

/** Whether a NIC is on a network of the engine, which connects it by itself, instead of a bridge of the host. */
export const isEngineNic = ({ device }: Nic): boolean => device === undefined;

const completeNic = async (deps: NetworkDeps, guestId: string, nic: Nic, index: number): Promise<Nic> => {
  interfaceAddress(nic);
  if (nic.link === 'down')
    throw new Refusal('invalid', 'a NIC of a container has no cable to unplug: leave out "link"');
  const { device: _, ...given } = nic;
  const complete = { ...given, name: nic.name ?? `net${index}` };
  const found = hasNoName(nic) ? undefined : await networks.find(nic.network);
  if (found) {
    if (nic.vlans.length > 0) await found.checkVlans(nic.vlans);
    return { ...complete, mac: nic.mac ?? generateMac(guestId, index), device: tapName(guestId, index) };
  }
  const network = await checkEngineNetwork(deps, nic);
  if (nic.vlans.length > 0 && !isNativeVlan(nic.vlans))
    throw new Refusal('invalid', 'an engine network has no VLANs: leave out vlans, or name a bridge');
  return { ...complete, network };
};

/**
 * Completes NICs with their names and, on bridges of the host, with MAC addresses and devices.
 * @throws when a NIC is invalid or its network does not exist
 */
export const completeNics = async (
  deps: NetworkDeps,
  guestId: string,
  nics: readonly Nic[],
): Promise<Nic[]> => {
  const complete: Nic[] = [];
  for (const [index, nic] of nics.entries()) {
    try {
      complete.push(await completeNic(deps, guestId, nic, index));
    } catch (error) {
      throw failureIn(`NIC ${index}`, error);
    }
  }
  const alone = complete.length > 1 ? complete.find(isAlone) : undefined;
  if (alone)
    throw new Refusal(
      'invalid',
      `network ${alone.network} takes no other NIC beside it: leave the others out`,
    );
  assertOneGateway(complete);
  const names = complete.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new Refusal('invalid', `two NICs are named ${twice}: give each its own name`);
  return complete;
};
