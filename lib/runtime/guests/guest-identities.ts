import ipaddr from 'ipaddr.js';
import { invalid, nameTaken, nicTaken, portTaken } from '../../errors.js';
import { portName, sharedPort } from '../../model/container/port-clash.js';
import type { Guest, Nic } from '../../model/guest.js';
import { USER_NETWORK } from '../../model/nics.js';
import type { GuestStore } from '../../store/guest-store.js';

/** The part of a guest that no other guest of the host may have. */
export type Identity = Pick<Guest, 'id' | 'metadata' | 'nics' | 'container'>;

/** The VLAN of a port without VLANs on a bridge that filters them. */
const DEFAULT_VLANS = [1];

const vlansOf = ({ vlans }: Nic): readonly number[] => (vlans.length > 0 ? vlans : DEFAULT_VLANS);

/** Whether two NICs may reach each other. Each NIC on network `user` has a network of its own. */
const shareNetwork = (one: Nic, other: Nic): boolean =>
  one.network !== '' &&
  one.network !== USER_NETWORK &&
  one.network === other.network &&
  vlansOf(one).some((vlan) => vlansOf(other).includes(vlan));

/** An address without its prefix length, in one form; `""` for none. */
const addressOf = ({ address }: Nic): string => {
  const [text = ''] = address.split('/');
  return ipaddr.isValid(text) ? ipaddr.parse(text).toString() : text;
};

const macOf = ({ mac = '' }: Nic): string => mac.toLowerCase();

/** @throws {AgentError} `invalid` when a guest would have one static address twice */
const requireDistinctAddresses = (nics: readonly Nic[]): void => {
  const seen = new Map<string, number>();
  for (const [index, nic] of nics.entries()) {
    const address = addressOf(nic);
    if (address === '') continue;
    const first = seen.get(address);
    if (first !== undefined)
      throw invalid(`NIC ${index}: NIC ${first} already has the address ${address}: choose another`);
    seen.set(address, index);
  }
};

/** Keeps names, MAC addresses, static IP addresses and published ports of guests unique on the host. */
export class GuestIdentities {
  readonly #guests: GuestStore;
  readonly #uniqueNames: boolean;
  /** Identities that are being written. */
  readonly #pending = new Set<Identity>();

  /** @param uniqueNames whether two guests may not have the same name */
  constructor(guests: GuestStore, uniqueNames: boolean) {
    this.#guests = guests;
    this.#uniqueNames = uniqueNames;
  }

  /**
   * Runs the write of a guest's identity. No other guest can take any of it meanwhile.
   * @throws {AgentError} `conflict` when another guest has the name, a port, or an address on the same network; `invalid` when
   * two of its own NICs have one address
   */
  async claim<Result>(identity: Identity, write: () => Promise<Result>): Promise<Result> {
    this.check(identity);
    this.#pending.add(identity);
    try {
      return await write();
    } finally {
      this.#pending.delete(identity);
    }
  }

  /** @throws {AgentError} as `claim` */
  check(identity: Identity): void {
    requireDistinctAddresses(identity.nics ?? []);
    const name = this.#uniqueNames ? identity.metadata?.name : undefined;
    const ports = identity.container?.ports ?? [];
    if (!name && !identity.nics?.length && ports.length === 0) return;
    for (const other of [...this.#guests.list(), ...this.#pending]) {
      if (other.id === identity.id) continue;
      if (name && other.metadata?.name === name) throw nameTaken(name, other);
      // A guest that could not be created has no NICs and no ports.
      if (!('state' in other && other.state === 'error')) this.#checkNetwork(identity, other);
    }
  }

  #checkNetwork({ nics = [], container }: Identity, other: Identity): void {
    this.#checkNics(nics, other);
    const port = sharedPort(container?.ports ?? [], other.container?.ports ?? []);
    if (port) throw portTaken(portName(port), other.id);
  }

  #checkNics(nics: readonly Nic[], { id, nics: others = [] }: Identity): void {
    for (const [index, nic] of nics.entries()) {
      for (const other of others) {
        if (!shareNetwork(nic, other)) continue;
        if (macOf(nic) && macOf(nic) === macOf(other))
          throw nicTaken(index, 'MAC', macOf(nic), nic.network, id);
        const address = addressOf(nic);
        if (address && address === addressOf(other))
          throw nicTaken(index, 'address', address, nic.network, id);
      }
    }
  }
}
