import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';

/** How QEMU runs the guest's instructions: in hardware, or by translating them. */
export type Accel = 'kvm' | 'tcg';

export const ACCEL_CHOICES = ['auto', 'kvm', 'tcg'] as const;
export type AccelChoice = (typeof ACCEL_CHOICES)[number];

const opens = async (path: string): Promise<boolean> => {
  try {
    const handle = await open(path, constants.O_RDWR);
    await handle.close();
    return true;
  } catch {
    return false;
  }
};

/**
 * Settles `auto`. That `/dev/kvm` opens proves nothing: on a virtual machine without nested
 * virtualization it may open and then hang every guest, so the CPU must have the feature too.
 */
export const chooseAccel = async (
  choice: AccelChoice,
  files = { cpuinfo: '/proc/cpuinfo', kvm: '/dev/kvm' },
): Promise<Accel> => {
  if (choice !== 'auto') return choice;
  const cpuinfo = await readFile(files.cpuinfo, 'utf8').catch(() => '');
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo) && (await opens(files.kvm)) ? 'kvm' : 'tcg';
};

const READ_WRITE_FOR_ALL = 0o006;

/** The groups that a process without privileges must be in to use it. */
export const deviceGroups = async (accel: Accel, device = '/dev/kvm'): Promise<number[]> => {
  if (accel !== 'kvm') return [];
  const { mode, gid } = await stat(device);
  return (mode & READ_WRITE_FOR_ALL) === READ_WRITE_FOR_ALL ? [] : [gid];
};
