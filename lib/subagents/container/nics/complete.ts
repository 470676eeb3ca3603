import type { Nic } from '../../../model/guest.js';
import { USER_NETWORK } from '../../../model/nics.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { interfaceAddress } from '../../shared/network/addresses.js';
import { assertOneGateway, generateMac, tapName } from '../../shared/network/nics.js';
import { isNativeVlan } from '../../shared/network/switch.js';
import type { Engine, EngineKind } from '../engine.js';
import { networks } from './switches.js';

/** Docker's name for its default network, which Podman maps to its own nearly everywhere. */
const DEFAULT_NETWORK = 'bridge';
/** Podman's name for its default network in the `EndpointsConfig` of a new container, where it does not know Docker's. */
const PODMAN_DEFAULT_NETWORK = 'default';

/** Whether a NIC is on a network of the engine, which connects it by itself, instead of a bridge of the host. */
export const isEngineNic = ({ device }: Nic): boolean => device === undefined;

const isDefault = (network: string): boolean => network === '' || network === USER_NETWORK;

/** Returns the engine network of a NIC. */
export const engineNetwork = ({ network }: Nic): string => (isDefault(network) ? DEFAULT_NETWORK : network);

/** Returns the name of a NIC's engine network in the `EndpointsConfig` of a new container. */
export const createdNetwork = (nic: Nic, kind: EngineKind): string =>
  kind === 'podman' && isDefault(nic.network) ? PODMAN_DEFAULT_NETWORK : engineNetwork(nic);

const hasEngineNetwork = async (engine: Engine, name: string): Promise<boolean> =>
  (await engine.find((docker) => docker.getNetwork(name).inspect())) !== undefined;

const completeNic = async (engine: Engine, guestId: string, nic: Nic, index: number): Promise<Nic> => {
  interfaceAddress(nic);
  const { device: _, ...given } = nic;
  const complete = { ...given, name: nic.name ?? `net${index}` };
  const found = isDefault(nic.network) ? undefined : await networks.find(nic.network);
  if (found) {
    if (nic.vlans.length > 0) await found.checkVlans(nic.vlans);
    return { ...complete, mac: nic.mac ?? generateMac(guestId, index), device: tapName(guestId, index) };
  }
  if (!isDefault(nic.network) && !(await hasEngineNetwork(engine, nic.network)))
    throw new Refusal(
      'not_found',
      `this host has neither a bridge nor an engine network ${nic.network}: create one (ip link add ${nic.network} type bridge) or use network ${USER_NETWORK}`,
    );
  if (isDefault(nic.network) && nic.address && (await engine.kind()) === 'docker')
    throw new Refusal(
      'invalid',
      `Docker assigns the addresses of its default network itself: leave out the address ${nic.address}, or create a ` +
        'network with a subnet (docker network create --subnet) and name it',
    );
  if (nic.vlans.length > 0 && !isNativeVlan(nic.vlans))
    throw new Refusal('invalid', 'an engine network has no VLANs: leave out vlans, or name a bridge');
  return complete;
};

/**
 * Completes NICs with their names and, on bridges of the host, with MAC addresses and devices.
 * @throws when a NIC is invalid or its network does not exist
 */
export const completeNics = async (engine: Engine, guestId: string, nics: readonly Nic[]): Promise<Nic[]> => {
  const complete: Nic[] = [];
  for (const [index, nic] of nics.entries()) {
    try {
      complete.push(await completeNic(engine, guestId, nic, index));
    } catch (error) {
      throw failureIn(`nic ${index}`, error);
    }
  }
  assertOneGateway(complete);
  const names = complete.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw new Refusal('invalid', `two NICs are named ${twice}: give each its own name`);
  return complete;
};
