import type { ContainerInspectInfo } from 'dockerode';
import { type Guest, normalizeGuest } from '../../model/guest.js';
import { type GuestAddress, sortAddresses } from '../../model/guest-addresses.js';
import { staticAddresses } from '../../model/static-addresses.js';
import type { Guests } from './guests.js';
import { isEngineNic } from './nics/complete.js';

type EngineNetworks = Pick<
  ContainerInspectInfo['NetworkSettings']['Networks'][string],
  'IPAddress' | 'GlobalIPv6Address' | 'MacAddress'
>;

/** Lists the addresses of a container: those that its engine has given it, and those that its NICs are to have. */
export const containerAddresses = async (guests: Guests, guest: Guest): Promise<GuestAddress[]> => {
  const { id, nics = [] } = normalizeGuest(guest);
  const { NetworkSettings } = await guests.withContainer(id, (engine) => engine.inspect());
  const onEngine = nics.filter(isEngineNic);
  const [only] = onEngine.length === 1 ? onEngine : [];
  const found = Object.entries<EngineNetworks>(NetworkSettings?.Networks ?? {}).flatMap(
    ([network, { IPAddress, GlobalIPv6Address, MacAddress }]) => {
      const name = (onEngine.find((nic) => nic.network === network) ?? only)?.name;
      return [IPAddress, GlobalIPv6Address].filter(Boolean).map(
        (address): GuestAddress => ({
          address,
          ...(name ? { nic: name } : {}),
          ...(MacAddress ? { mac: MacAddress } : {}),
          source: 'engine',
        }),
      );
    },
  );
  return sortAddresses([...found, ...staticAddresses(nics)]);
};
