import { createHash } from 'node:crypto';
import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import { interfaceAddress } from './addresses.js';

/** The `network` of a nic that shares the host's own connection instead of joining a bridge. */
export const USER_NETWORK = 'user';

const DEFAULT_MODEL = 'virtio-net-pci';
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['', DEFAULT_MODEL],
  ['virtio', DEFAULT_MODEL],
  ['virtio-net', DEFAULT_MODEL],
]);

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A MAC address in QEMU's own range (52:54:00), the same for the same guest and nic every time. */
export const generateMac = (guestId: string, index: number): string =>
  `52:54:00:${digest(`${guestId}/nic${index}`)
    .slice(0, 6)
    .replace(/(..)(?=.)/g, '$1:')}`;

/** What the names of all taps of a guest begin with. */
export const tapPrefix = (guestId: string): string => `mt${digest(guestId).slice(0, 10)}-`;

/** The host's device of a nic: at most 15 bytes, the kernel's limit for interface names. */
export const tapName = (guestId: string, index: number): string => `${tapPrefix(guestId)}${index}`;

/** The device that QEMU is to emulate, `undefined` when it knows none of that name. */
export const nicDriver = (model: string, known: readonly string[]): string | undefined => {
  const driver = ALIASES.get(model) ?? model;
  return known.includes(driver) ? driver : undefined;
};

/** Whether there is a Linux bridge of that name on the host. */
export const assertDistinct = (nics: readonly Nic[], what: 'name' | 'mac'): void => {
  const seen = new Map<string, number>();
  for (const [index, nic] of nics.entries()) {
    const value = nic[what] ?? '';
    const first = seen.get(value);
    if (first !== undefined) throw new Error(`nic ${index}: nic ${first} has the ${what} ${value} already`);
    seen.set(value, index);
  }
};

/** @throws when the card, its address or its VLANs are impossible on any host */
const checkNic = (nic: Nic, models: readonly string[]): void => {
  if (!nic.network) {
    throw new Error(`it names no network: give the name of a bridge, or "${USER_NETWORK}"`);
  }
  if (!nicDriver(nic.model, models)) {
    throw new Error(`this QEMU has no network card "${nic.model}": use one of virtio, ${models.join(', ')}`);
  }
  if (nic.mac && Number.parseInt(nic.mac.slice(0, 2), 16) % 2 === 1) {
    throw new Error(`${nic.mac} is a multicast address: the first byte of a nic's MAC must be even`);
  }
  if (nic.vlans.length && nic.network === USER_NETWORK) {
    throw new Error(`network ${USER_NETWORK} has no VLANs: leave vlans out, or name a bridge`);
  }
  const twice = nic.vlans.find((vlan, index) => nic.vlans.indexOf(vlan) !== index);
  if (twice !== undefined) throw new Error(`VLAN ${twice} is there twice`);
  interfaceAddress(nic);
};

const completeNic = (guestId: string, nic: Nic, index: number, models: readonly string[]): Nic => {
  try {
    checkNic(nic, models);
  } catch (error) {
    throw new Error(`nic ${index}: ${errorMessage(error)}`);
  }
  const { device: _, ...given } = nic;
  return {
    ...given,
    name: nic.name ?? `net${index}`,
    model: nic.model || 'virtio',
    mac: (nic.mac ?? generateMac(guestId, index)).toLowerCase(),
    ...(nic.network === USER_NETWORK ? {} : { device: tapName(guestId, index) }),
  };
};

/**
 * The nics with their names, MAC addresses and taps filled in.
 * @throws when one is impossible, whatever the state of the host
 */
export const completeNics = (guestId: string, nics: readonly Nic[], models: readonly string[]): Nic[] => {
  const complete = nics.map((nic, index) => completeNic(guestId, nic, index, models));
  assertDistinct(complete, 'name');
  assertDistinct(complete, 'mac');
  return complete;
};
