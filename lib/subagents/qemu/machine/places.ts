import { diskNumber } from '../../../model/disks.js';
import type { Definition } from './definition.js';
import { device, pciAddress, type SLOT } from './device-options.js';
import { freePosition } from './free-position.js';
import type { MachineIdentity } from './identity.js';
import { ROOT_PORTS } from './spare-devices.js';

/*
 * The ledger of a guest's devices: a device keeps its place for its life, and nothing of the others changes when one is
 * added or removed. `ports` has the devices on root ports. All others are in rows, such as the PCI functions of the
 * virtio disks; `rows` has their positions once a device was added or removed.
 */

type Disks = Definition['disks'];

/** The part of a guest's hardware that says where its devices are. */
export type Ledger = Pick<MachineIdentity, 'ports' | 'rows' | 'seedBus'>;

/** Whether disks on a bus are on ports of AHCI controllers. */
export const isAhci = (bus: string): boolean => bus === 'sata' || bus === 'ide';

const sharesRow = (bus: string) => (other: string) => (isAhci(bus) ? isAhci(other) : other === bus);

/** The id of a disk's device. */
export const diskId = (bus: string, number: number): string => `${bus}-disk${number}`;

/** The id of the seed's device. */
export const SEED_ID = 'seed0';

/** The seed shares the bus of the first disk that the guest had: the guest boots from that, so it has a driver for it. */
export const seedBus = ({ seedBus: kept }: Ledger, disks: Disks): string => kept ?? disks[0]?.bus ?? 'virtio';

/**
 * Returns the position of each disk in its row, by its id, without those on root ports. The seed, if it is on an AHCI
 * port, comes after them.
 */
export const rowsOf = (ledger: Ledger, disks: Disks): Record<string, number> => {
  if (ledger.rows) return ledger.rows;
  const rows: Record<string, number> = {};
  const inRows = disks
    .map((disk, index) => ({ bus: disk.bus, id: diskId(disk.bus, diskNumber(disk, index)) }))
    .filter(({ id }) => ledger.ports[id] === undefined);
  for (const [index, { bus, id }] of inRows.entries())
    rows[id] = inRows.slice(0, index).filter((other) => sharesRow(bus)(other.bus)).length;
  const bus = seedBus(ledger, disks);
  if (isAhci(bus)) rows[SEED_ID] = inRows.filter((disk) => isAhci(disk.bus)).length;
  return rows;
};

/** Writes down where a guest's devices are, before the first one is added or removed. */
export const fixPlaces = <Machine extends Ledger>(machine: Machine, disks: Disks): Machine => ({
  ...machine,
  rows: rowsOf(machine, disks),
  seedBus: seedBus(machine, disks),
});

/** Returns the lowest free position in the row of a bus. */
export const freeRow = (rows: Record<string, number>, bus: string): number => {
  const share = sharesRow(bus);
  const taken = Object.entries(rows).filter(([id]) =>
    share(id === SEED_ID ? 'sata' : (id.split('-')[0] ?? '')),
  );
  return freePosition(taken.map(([, position]) => position));
};

/** Returns the lowest free root port; `undefined` when the guest has none. */
export const freePort = ({
  layout,
  ports,
}: Pick<MachineIdentity, 'layout' | 'ports'>): number | undefined => {
  if (layout < 2) return undefined;
  const port = freePosition(Object.values(ports));
  return port < ROOT_PORTS ? port : undefined;
};

/** Puts a device on a root port. */
export const withPort = <Machine extends Pick<Ledger, 'ports'>>(
  machine: Machine,
  id: string,
  port: number,
): Machine => ({ ...machine, ports: { ...machine.ports, [id]: port } });

const without = <Value>(table: Record<string, Value>, id: string): Record<string, Value> =>
  Object.fromEntries(Object.entries(table).filter(([key]) => key !== id));

/** Frees the place of a device that is removed. */
export const withoutPlace = <Machine extends Ledger>(machine: Machine, id: string): Machine => ({
  ...machine,
  ports: without(machine.ports, id),
  ...(machine.rows ? { rows: without(machine.rows, id) } : {}),
});

const FUNCTIONS_PER_SLOT = 8;

/**
 * Builds devices for the functions 0 that a row of PCI functions lacks. A guest does not look at the others without it.
 * A source of random numbers is a device that every guest has already.
 * @param slot the first slot of the row
 * @param positions those that are taken
 */
export const gapDevices = (
  slot: (typeof SLOT)[keyof typeof SLOT],
  positions: readonly number[],
): string[] => {
  const firsts = new Set(positions.map((position) => position - (position % FUNCTIONS_PER_SLOT)));
  return [...firsts]
    .filter((first) => !positions.includes(first))
    .flatMap((first) => {
      const id = `gap${slot + first / FUNCTIONS_PER_SLOT}`;
      return device('virtio-rng-pci', { id, rng: 'rng0', ...pciAddress(slot, first) });
    });
};
