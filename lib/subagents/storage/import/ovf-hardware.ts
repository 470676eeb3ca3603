import type { Guest, Nic } from '../../../model/guest.js';
import { MB, toMb } from '../../../model/units.js';
import { bytesOf, child, children, type Element, textOf } from './ovf.js';

/** The kinds of devices: CIM_ResourceAllocationSettingData, `ResourceType`. */
const TYPES = {
  cpu: '3',
  memory: '4',
  ide: '5',
  scsi: '6',
  nic: '10',
  cd: '15',
  dvd: '16',
  disk: '17',
  otherStorage: '20',
} as const;

/** Devices that every guest has anyway, or that nobody misses. */
const SILENT: ReadonlySet<string> = new Set([...Object.values(TYPES), '1', '13', '23', '24']);

const itemsOf = (system: Element): Element[] =>
  children(system, 'VirtualHardwareSection').flatMap((section) =>
    ['Item', 'StorageItem', 'EthernetPortItem'].flatMap((name) => children(section, name)),
  );

const typeOf = (item: Element): string => textOf(item, 'ResourceType');

const nameOf = (item: Element): string =>
  (textOf(item, 'ElementName') || textOf(item, 'Description') || `device of type ${typeOf(item)}`).slice(
    0,
    100,
  );

/** A disk that the description attaches. */
export interface AttachedDisk {
  /** The id of the disk in the disk section. */
  id: string;
  bus: string;
}

/** A guest's hardware as an OVF describes it. */
export interface OvfHardware {
  guest: Pick<Guest, 'memory' | 'cpu' | 'nics' | 'machine'>;
  disks: AttachedDisk[];
  /** What has no equivalent, or becomes something else, in words. */
  notes: string[];
}

const DISK_ID = /^(?:ovf:)?\/disk\/(.+)$/;

/** The bus by the controller. The guest has the drivers of that controller, or of AHCI, rather than those of virtio. */
const busOf = (controller: Element | undefined): string => {
  if (!controller) return 'sata';
  const subtype = textOf(controller, 'ResourceSubType').toLowerCase();
  if (typeOf(controller) === TYPES.ide) return 'ide';
  return subtype.startsWith('virtioscsi') ? 'scsi' : 'sata';
};

const NIC_MODELS: readonly [subtype: RegExp, model: string][] = [
  [/^virtio/i, 'virtio'],
  [/^vmxnet3/i, 'vmxnet3'],
  [/^e1000e/i, 'e1000e'],
  [/^(e1000|82540EM|82543GC|82545EM)/i, 'e1000'],
  [/^(pcnet|am79)/i, 'pcnet'],
];

const MAC = /^([0-9a-f]{2}:?){5}[0-9a-f]{2}$/i;

const macOf = (item: Element): string | undefined => {
  const address = textOf(item, 'Address');
  if (!MAC.test(address)) return undefined;
  return address.replaceAll(':', '').toLowerCase().match(/../g)?.join(':');
};

const nicOf = (item: Element): Nic => {
  const subtype = textOf(item, 'ResourceSubType');
  const model = NIC_MODELS.find(([pattern]) => pattern.test(subtype))?.[1] ?? 'e1000';
  const mac = macOf(item);
  return {
    ...{ network: '', model, address: '', netmask: '', gateway: '', vlans: [] },
    ...(mac ? { mac } : {}),
  };
};

/** How VirtualBox and VMware say that a machine has UEFI. */
const isUefi = (system: Element): boolean => {
  const vbox = child(child(child(system, 'Machine'), 'Hardware'), 'Firmware');
  if (textOf(vbox, '@type').toUpperCase().startsWith('EFI')) return true;
  return configOf(system, 'firmware') === 'efi';
};

const configOf = (system: Element, key: string): string | undefined => {
  const configs = children(system, 'VirtualHardwareSection').flatMap((section) => [
    ...children(section, 'Config'),
    ...children(section, 'ExtraConfig'),
  ]);
  const found = configs.find((config) => textOf(config, '@key') === key);
  return found && textOf(found, '@value');
};

const quantityOf = (item: Element | undefined): string => (item ? textOf(item, 'VirtualQuantity') : '');

const memoryOf = (item: Element | undefined): number | undefined => {
  const units = (item && textOf(item, 'AllocationUnits')) || 'megabytes';
  const bytes = bytesOf(quantityOf(item), units);
  return bytes === undefined || bytes < MB ? undefined : toMb(bytes);
};

const wholeNumber = (text: string): number | undefined =>
  /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;

const diskNotes = (items: readonly Element[], disks: readonly AttachedDisk[]): string[] => {
  const scsi = items.some(
    (item) => typeOf(item) === TYPES.scsi && !/^virtioscsi/i.test(textOf(item, 'ResourceSubType')),
  );
  return scsi && disks.some(({ bus }) => bus === 'sata')
    ? ['disks of its SCSI controller are on bus sata']
    : [];
};

/** Reads the hardware of a virtual system. */
export const hardwareOf = (system: Element): OvfHardware => {
  const items = itemsOf(system);
  const controllers = new Map(items.map((item) => [textOf(item, 'InstanceID'), item]));
  const disks = items.flatMap((item) => {
    const id = DISK_ID.exec(textOf(item, 'HostResource'))?.[1];
    const parent = controllers.get(textOf(item, 'Parent'));
    return typeOf(item) === TYPES.disk && id !== undefined ? [{ id, bus: busOf(parent) }] : [];
  });
  const memory = memoryOf(items.find((item) => typeOf(item) === TYPES.memory));
  const cpu = wholeNumber(quantityOf(items.find((item) => typeOf(item) === TYPES.cpu)));
  const nics = items.filter((item) => typeOf(item) === TYPES.nic).map(nicOf);
  const firmware = isUefi(system) ? ({ firmware: 'uefi' } as const) : ({ firmware: 'bios' } as const);
  const secure = configOf(system, 'bootOptions.efiSecureBootEnabled') === 'true';
  const lost = items.filter((item) => !SILENT.has(typeOf(item)));
  return {
    guest: {
      ...(memory === undefined ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
      ...(nics.length > 0 ? { nics } : {}),
      machine: { ...firmware, ...(secure && firmware.firmware === 'uefi' ? { secureBoot: true } : {}) },
    },
    disks,
    notes: [
      ...(lost.length > 0
        ? [`without an equivalent here: ${[...new Set(lost.map(nameOf))].join(', ')}`]
        : []),
      ...diskNotes(items, disks),
    ],
  };
};
