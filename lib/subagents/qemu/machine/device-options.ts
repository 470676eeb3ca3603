export type Properties = Record<string, unknown>;

/** PCI slots of the root bus, fixed so that a guest finds its devices in the same place at every start. */
export const SLOT = {
  video: 1,
  channel: 2,
  balloon: 3,
  rng: 4,
  scsi: 5,
  nics: 8,
  disks: 16,
  seed: 20,
  ahci: 24,
};
const FUNCTIONS_PER_SLOT = 8;

/** In the options that take no JSON a comma begins the next property, and a double one is a comma. */
export const escapeCommas = (value: string): string => value.replaceAll(',', ',,');

export const pciAddress = (slot: number, index = 0): Properties => {
  const fn = index % FUNCTIONS_PER_SLOT;
  const address = (slot + Math.floor(index / FUNCTIONS_PER_SLOT)).toString(16);
  return { bus: 'pcie.0', addr: `${address}.${fn}`, ...(fn === 0 ? { multifunction: true } : {}) };
};

/** As JSON, so that no character in a value means anything. */
export const device = (driver: string, properties: Properties = {}): string[] => [
  '-device',
  JSON.stringify({ driver, ...properties }),
];

export const blockdev = (properties: Properties): string[] => ['-blockdev', JSON.stringify(properties)];
