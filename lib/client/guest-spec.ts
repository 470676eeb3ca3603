import type { Devices } from '../model/devices.js';
import type { Firmware } from '../model/firmware.js';
import type { Guest } from '../model/guest.js';
import type { HostKey } from '../model/portable-guest.js';
import { type ContainerOptions, containerSpec } from './container-spec.js';

/** The body of a create: a guest without the fields that the agent sets. */
export type GuestSpec = {
  [Key in Exclude<keyof Guest, HostKey | 'nics' | 'disks' | 'cdroms' | 'template'>]?: Guest[Key];
} & {
  nics?: Partial<NonNullable<Guest['nics']>[number]>[];
  disks?: Partial<NonNullable<Guest['disks']>[number]>[];
  cdroms?: Partial<NonNullable<Guest['cdroms']>[number]>[];
};

type Nic = NonNullable<GuestSpec['nics']>[number];

/** The choices of a person who creates a guest. */
export interface CreateOptions extends ContainerOptions {
  id?: string;
  name?: string;
  container?: boolean;
  image?: string;
  memory?: number;
  cpu?: number;
  maxMemory?: number;
  maxCpu?: number;
  description?: string;
  tag?: string[];
  cpuModel?: string;
  firmware?: Firmware;
  secureBoot?: boolean;
  tpm?: boolean;
  networkBoot?: boolean;
  video?: Devices['video'];
  watchdog?: Devices['watchdog'];
  /** `false` leaves the tablet out. */
  tablet?: boolean;
  disk?: number[];
  /** The ISO image in each CD drive; empty for an empty drive. */
  cdrom?: string[];
  nic?: Nic[];
  autostart?: NonNullable<GuestSpec['autostart']>;
  restart?: NonNullable<GuestSpec['restart']>;
  metadata?: Record<string, string>;
  /** `false` leaves the guest off; not a part of the guest. */
  start?: boolean;
}

/** Clones the first disk from the image; the others are blank. */
const disksOf = ({
  image,
  disk: sizes = [],
  container,
}: CreateOptions): Pick<GuestSpec, 'disks' | 'image'> => {
  const from = image === undefined ? {} : { image };
  if (sizes.length === 0 || container) return from;
  return { disks: sizes.map((size, index) => ({ size, ...(index === 0 ? from : {}) })) };
};

const machineOf = ({ firmware, secureBoot, tpm, networkBoot }: CreateOptions): Pick<GuestSpec, 'machine'> => {
  const machine = {
    ...(firmware === undefined ? {} : { firmware }),
    ...(secureBoot ? { secureBoot } : {}),
    ...(tpm ? { tpm } : {}),
    ...(networkBoot ? { networkBoot } : {}),
  };
  return Object.keys(machine).length > 0 ? { machine } : {};
};

/** Leaves the devices to the sub-agent's defaults, except for those that are chosen. */
const devicesOf = ({ video, watchdog, tablet = true }: CreateOptions): Pick<GuestSpec, 'devices'> => {
  const devices = {
    ...(video === undefined ? {} : { video }),
    ...(watchdog === undefined ? {} : { watchdog }),
    ...(tablet ? {} : { tablet }),
  };
  return Object.keys(devices).length > 0 ? { devices } : {};
};

const sizeOf = ({
  memory,
  cpu,
  maxMemory,
  maxCpu,
}: CreateOptions): Pick<GuestSpec, 'memory' | 'cpu' | 'maxMemory' | 'maxCpu'> => ({
  ...(memory === undefined ? {} : { memory }),
  ...(cpu === undefined ? {} : { cpu }),
  ...(maxMemory === undefined ? {} : { maxMemory }),
  ...(maxCpu === undefined ? {} : { maxCpu }),
});

const labelsOf = ({ description, tag }: CreateOptions): Pick<GuestSpec, 'description' | 'tags'> => ({
  ...(description ? { description } : {}),
  ...(tag ? { tags: tag } : {}),
});

/** Builds the request body of a create from the choices. */
export const guestSpec = (options: CreateOptions): GuestSpec => {
  const { id, name, container, cpuModel, cdrom, nic, metadata, autostart, restart } = options;
  const all = { ...metadata, ...(name === undefined ? {} : { name }) };
  return {
    ...(id === undefined ? {} : { id }),
    ...(container ? { type: 'container' } : {}),
    ...labelsOf(options),
    ...sizeOf(options),
    ...(cpuModel === undefined ? {} : { cpuModel }),
    ...machineOf(options),
    ...devicesOf(options),
    ...containerSpec(options),
    ...disksOf(options),
    ...(cdrom?.length ? { cdroms: cdrom.map((inDrive) => ({ image: inDrive })) } : {}),
    ...(nic ? { nics: nic } : {}),
    ...(autostart ? { autostart } : {}),
    ...(restart ? { restart } : {}),
    ...(Object.keys(all).length > 0 ? { metadata: all } : {}),
  };
};
