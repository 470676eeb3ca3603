import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { ifExists } from '../../../files/atomic-files.js';
import type { Logger } from '../../../log.js';

/**
 * Where distributions, the administrator and the user describe firmware. A file in a later directory replaces one of
 * the same name in an earlier one: QEMU's docs/interop/firmware.json.
 */
export const FIRMWARE_DIRS = [
  '/usr/share/qemu/firmware',
  '/etc/qemu/firmware',
  join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'qemu', 'firmware'),
];

/** A file of a flash device's content. */
export interface FlashFile {
  filename: string;
  format: 'raw' | 'qcow2';
}

/** A part of `Firmware` in QEMU's docs/interop/firmware.json. */
export interface FirmwareDescriptor {
  'interface-types': string[];
  mapping: {
    device: string;
    /** `split` by default. */
    mode?: string;
    executable?: FlashFile;
    'nvram-template'?: FlashFile;
  };
  targets: { architecture: string; machines: string[] }[];
  features: string[];
}

const SUFFIX = '.json';

const read = async (path: string, log: Logger): Promise<FirmwareDescriptor[]> => {
  try {
    const text = await readFile(path, 'utf8');
    // An empty file hides those of its name.
    return text.trim() === '' ? [] : [JSON.parse(text) as FirmwareDescriptor];
  } catch (error) {
    log.warn({ err: error }, `firmware descriptor ${path} is unreadable: ${errorMessage(error)}`);
    return [];
  }
};

/** Reads the descriptors of a host's firmware, the preferred ones first. */
export const readDescriptors = async (
  dirs: readonly string[],
  log: Logger,
): Promise<FirmwareDescriptor[]> => {
  const paths = new Map<string, string>();
  for (const dir of dirs)
    for (const name of (await ifExists(readdir(dir))) ?? [])
      if (name.endsWith(SUFFIX)) paths.set(name, join(dir, name));
  const sorted = [...paths].sort(([one], [other]) => (one < other ? -1 : 1));
  return (await Promise.all(sorted.map(([, path]) => read(path, log)))).flat();
};

/** Whether a machine type matches a pattern such as `pc-q35-*`. */
const matches = (pattern: string, type: string): boolean =>
  pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;

const isForMachine = ({ targets = [] }: FirmwareDescriptor, type: string): boolean =>
  targets.some(
    ({ architecture, machines }) =>
      architecture === 'x86_64' && machines.some((pattern) => matches(pattern, type)),
  );

/** Keys are enrolled in a variable store that enforces Secure Boot; without them, it lets everything start. */
const isSecure = ({ features = [] }: FirmwareDescriptor): boolean =>
  features.includes('secure-boot') && features.includes('enrolled-keys');

const isPlain = ({ features = [] }: FirmwareDescriptor): boolean =>
  !features.includes('enrolled-keys') && !features.includes('requires-smm');

/** Firmware of two files: the program, which all guests share, and the template of a guest's variables. */
export interface FirmwareFiles {
  code: FlashFile;
  template: FlashFile;
}

/** Returns the files of the UEFI firmware for a machine type, the preferred ones first. */
export const matchingFirmware = (
  descriptors: readonly FirmwareDescriptor[],
  type: string,
  secureBoot: boolean,
): FirmwareFiles[] =>
  descriptors
    .filter((each) => each['interface-types']?.includes('uefi') && isForMachine(each, type))
    .filter(secureBoot ? isSecure : isPlain)
    .flatMap(({ mapping: { device, mode = 'split', executable, 'nvram-template': template } }) =>
      device === 'flash' && mode === 'split' && executable && template
        ? [{ code: executable, template }]
        : [],
    );
