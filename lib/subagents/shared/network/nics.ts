import { createHash } from 'node:crypto';
import type { Nic } from '../../../model/guest.js';
import { USER_NETWORK } from '../../../model/nics.js';
import { failureIn, Refusal } from '../../../rpc/protocol/refusal.js';
import { interfaceAddress } from './addresses.js';
import { isNativeVlan } from './switch.js';

const DEFAULT_MODEL = 'virtio-net-pci';
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['', DEFAULT_MODEL],
  ['virtio', DEFAULT_MODEL],
  ['virtio-net', DEFAULT_MODEL],
]);

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Returns the id of another guest that has a MAC address on a network. */
export type MacOwner = (network: string, mac: string) => string | undefined;

const NO_OWNER: MacOwner = () => undefined;

const nthMac = (guestId: string, index: number, attempt: number): string =>
  `52:54:00:${digest(`${guestId}/nic${index}${attempt === 0 ? '' : `/${attempt}`}`)
    .slice(0, 6)
    .replace(/(..)(?=.)/g, '$1:')}`;

/**
 * Derives a MAC address in QEMU's range (52:54:00) from the guest and NIC. Two of some 5000 guests are likely to get the
 * same, so those of other guests are skipped.
 */
export const generateMac = (guestId: string, index: number, isTaken = (_mac: string) => false): string => {
  let attempt = 0;
  while (isTaken(nthMac(guestId, index, attempt))) attempt += 1;
  return nthMac(guestId, index, attempt);
};

/** The prefix of the names of all taps of a guest. */
export const tapPrefix = (guestId: string): string => `mt${digest(guestId).slice(0, 10)}-`;

/** Names the host's end of a NIC, in at most 15 bytes, the kernel's limit (IFNAMSIZ). */
export const tapName = (guestId: string, index: number): string => `${tapPrefix(guestId)}${index}`;

/** Translates a NIC's model to QEMU's device name; `undefined` when it is not among the `known` ones. */
export const nicDriver = (model: string, known: readonly string[]): string | undefined => {
  const driver = ALIASES.get(model) ?? model;
  return known.includes(driver) ? driver : undefined;
};

const assertDistinct = (nics: readonly Nic[], what: 'name' | 'mac'): void => {
  const seen = new Map<string, number>();
  for (const [index, nic] of nics.entries()) {
    const value = nic[what] ?? '';
    const first = seen.get(value);
    if (first !== undefined)
      throw new Refusal('invalid', `NIC ${index}: NIC ${first} already has the ${what} ${value}`);
    seen.set(value, index);
  }
};

/** @throws when two NICs have a gateway of one IP version: a guest has one default route for each */
export const assertOneGateway = (nics: readonly Nic[]): void => {
  const seen = new Map<number, number>();
  for (const [index, nic] of nics.entries()) {
    const { family, gateway } = interfaceAddress(nic) ?? {};
    if (family === undefined || gateway === undefined) continue;
    const first = seen.get(family);
    if (first !== undefined)
      throw new Refusal(
        'invalid',
        `NIC ${index}: NIC ${first} already has an IPv${family} gateway: a guest has one default route, so leave one of them out`,
      );
    seen.set(family, index);
  }
};

/** @throws when two NICs of a guest have one address; the agent compares those of different guests */
export const assertDistinctAddresses = (nics: readonly Nic[]): void => {
  const seen = new Map<string, number>();
  for (const [index, nic] of nics.entries()) {
    const [address = ''] = interfaceAddress(nic)?.cidr.split('/') ?? [];
    if (address === '') continue;
    const first = seen.get(address);
    if (first !== undefined)
      throw new Refusal('invalid', `NIC ${index}: NIC ${first} already has the address ${address}`);
    seen.set(address, index);
  }
};

/** @throws when the model, MAC, VLANs or address could not work on any host with this QEMU */
const checkNic = (nic: Nic, models: readonly string[]): void => {
  if (!nic.network) {
    throw new Refusal('invalid', `"network" is missing: give the name of a bridge, or "${USER_NETWORK}"`);
  }
  if (!nicDriver(nic.model, models)) {
    throw new Refusal(
      'invalid',
      `this QEMU has no network card "${nic.model}": use one of virtio, ${models.join(', ')}`,
    );
  }
  if (nic.mac && Number.parseInt(nic.mac.slice(0, 2), 16) % 2 === 1) {
    throw new Refusal(
      'invalid',
      `${nic.mac} is a multicast address: the first byte of a nic's MAC must be even`,
    );
  }
  if (nic.vlans.length && !isNativeVlan(nic.vlans) && nic.network === USER_NETWORK) {
    throw new Refusal('invalid', `network ${USER_NETWORK} has no VLANs: leave vlans out, or name a bridge`);
  }
  const twice = nic.vlans.find((vlan, index) => nic.vlans.indexOf(vlan) !== index);
  if (twice !== undefined) throw new Refusal('invalid', `VLAN ${twice} is listed twice`);
  interfaceAddress(nic);
};

const completeMac = ({ network, mac }: Nic, guestId: string, number: number, macOwner: MacOwner): string => {
  const ownerOf = (address: string) =>
    network === USER_NETWORK ? undefined : macOwner(network, address.toLowerCase());
  if (!mac) return generateMac(guestId, number, (address) => ownerOf(address) !== undefined);
  const owner = ownerOf(mac);
  if (owner === undefined) return mac.toLowerCase();
  throw new Refusal('conflict', `guest ${owner} has the MAC ${mac} on network ${network}: choose another`);
};

/** What NICs are completed with besides what they say. */
export interface NicCompletion {
  /** The network cards of this host's QEMU. */
  models: readonly string[];
  /** Finds the MAC addresses of other guests; by default, none has any. */
  macOwner?: MacOwner | undefined;
  /** The number of each NIC; its index by default. */
  numbers?: readonly number[];
}

const completeNic = (
  guestId: string,
  nic: Nic,
  index: number,
  { models, macOwner = NO_OWNER, numbers = [] }: NicCompletion,
): Nic => {
  const number = numbers[index] ?? index;
  let mac: string;
  try {
    checkNic(nic, models);
    mac = completeMac(nic, guestId, number, macOwner);
  } catch (error) {
    throw failureIn(`NIC ${index}`, error);
  }
  const { device: _, ...given } = nic;
  return {
    ...given,
    name: nic.name ?? `net${number}`,
    model: nic.model || 'virtio',
    mac,
    ...(nic.network === USER_NETWORK ? {} : { device: tapName(guestId, number) }),
  };
};

/**
 * Fills in the NICs' names, MAC addresses and taps.
 * @throws when a NIC could not work, whatever the state of the host, or has another guest's MAC address
 */
export const completeNics = (guestId: string, nics: readonly Nic[], completion: NicCompletion): Nic[] => {
  const complete = nics.map((nic, index) => completeNic(guestId, nic, index, completion));
  assertDistinct(complete, 'name');
  assertDistinct(complete, 'mac');
  assertOneGateway(complete);
  return complete;
};
