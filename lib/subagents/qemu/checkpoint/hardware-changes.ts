import { isDeepStrictEqual } from 'node:util';
import { type GuestSize, SIZE_KEYS } from '../../../model/guest-size.js';
import type { MachineIdentity } from '../machine/identity.js';

/** The hardware that the state of a guest's devices belongs to. */
export interface Hardware {
  size: GuestSize;
  /** The bus of each disk, by number. */
  disks: Record<string, string>;
  /** The number, the model and the MAC address of each NIC, by name. */
  nics: Record<string, string>;
  /** The image in each CD drive, by name. */
  cdroms: Record<string, string>;
  hasSeed: boolean;
  machine: Omit<MachineIdentity, 'next' | 'bootOrder' | 'generation' | 'nics' | 'cdDrives'>;
}

const SIZE_WORDS = {
  memory: 'MB of memory',
  maxMemory: 'MB of memory at most',
  cpu: 'vCPUs',
  maxCpu: 'vCPUs at most',
} as const satisfies Record<keyof GuestSize, string>;

const sizeChanges = (then: GuestSize, now: GuestSize): string[] =>
  SIZE_KEYS.filter((key) => then[key] !== now[key]).map(
    (key) => `it had ${then[key] ?? 'no'} ${SIZE_WORDS[key]}, and has ${now[key] ?? 'none'} now`,
  );

const partChanges = (
  what: string,
  then: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] =>
  [...new Set([...Object.keys(then), ...Object.keys(now)])].flatMap((name) => {
    if (then[name] === now[name]) return [];
    if (then[name] === undefined) return `${what} ${name} was added`;
    return now[name] === undefined ? `${what} ${name} was removed` : `${what} ${name} is another one`;
  });

const MACHINE_WORDS = {
  type: 'its machine type',
  layout: 'its layout',
  cpuModel: 'its CPU model',
  firmware: 'its firmware',
  secureBoot: 'its Secure Boot',
  tpm: 'its TPM',
  networkBoot: 'its network boot',
  sockets: 'its sockets',
  threads: 'its threads',
  ports: 'the arrangement of its devices',
  rows: 'the arrangement of its devices',
  seedBus: 'the arrangement of its devices',
  devices: 'its small devices',
} as const satisfies Record<keyof Hardware['machine'], string>;

type MachineKey = keyof typeof MACHINE_WORDS;

const KEYS = Object.keys(MACHINE_WORDS) as MachineKey[];

const machineChanges = (then: Hardware['machine'], now: Hardware['machine']): string[] => {
  const changed = KEYS.filter((key) => !isDeepStrictEqual(then[key], now[key]));
  return [...new Set(changed.map((key) => `${MACHINE_WORDS[key]} changed`))];
};

/** Says what has changed between two states of a guest's hardware; none when memory of the one fits the other. */
export const hardwareChanges = (then: Hardware, now: Hardware): string[] => {
  const parts = [
    ...sizeChanges(then.size, now.size),
    ...partChanges('disk', then.disks, now.disks),
    ...partChanges('NIC', then.nics, now.nics),
    ...partChanges('the CD in', then.cdroms, now.cdroms),
    ...(then.hasSeed === now.hasSeed ? [] : [`its cloud-init seed was ${now.hasSeed ? 'added' : 'removed'}`]),
  ];
  // What was added or removed changes the places, too.
  return parts.length > 0 ? parts : machineChanges(then.machine, now.machine);
};
