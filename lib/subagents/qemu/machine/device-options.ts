import type { MachineIdentity } from './identity.js';

export type Properties = Record<string, unknown>;

/** PCI slots on the root bus, fixed so that a guest finds its devices in the same place after every start. */
export const SLOT = {
  video: 1,
  channel: 2,
  balloon: 3,
  rng: 4,
  scsi: 5,
  memory: 7,
  nics: 8,
  disks: 16,
  seed: 20,
  watchdog: 21,
  usb: 22,
  ahci: 24,
  ports: 28,
} as const;
const FUNCTIONS_PER_SLOT = 8;

/** Doubles the commas in a value for QEMU options that take no JSON, where a comma separates properties. */
export const escapeCommas = (value: string): string => value.replaceAll(',', ',,');

/**
 * Returns the PCI address of the device number `index` in a row of devices that begins at `slot`. The guest only scans a
 * slot whose function 0 exists, so numbers must not skip any.
 */
export const pciAddress = (slot: number, index = 0): Properties => {
  const fn = index % FUNCTIONS_PER_SLOT;
  const address = (slot + Math.floor(index / FUNCTIONS_PER_SLOT)).toString(16);
  return { bus: 'pcie.0', addr: `${address}.${fn}`, ...(fn === 0 ? { multifunction: true } : {}) };
};

/** Returns the place of a device: its root port, if the guest's hardware has it on one, or else a fixed PCI address. */
export const placeOf = (
  { ports }: Pick<MachineIdentity, 'ports'>,
  id: string,
  slot: number,
  index = 0,
): Properties => {
  const port = ports[id];
  return port === undefined ? pciAddress(slot, index) : { bus: portId(port) };
};

/** The id of a root port, and of the bus behind it. */
export const portId = (port: number): string => `rp${port}`;

/** Builds a `-device` option in JSON, in which values need no escaping. */
export const device = (driver: string, properties: Properties = {}): string[] => [
  '-device',
  JSON.stringify({ driver, ...properties }),
];

export const blockdev = (properties: Properties): string[] => ['-blockdev', JSON.stringify(properties)];
