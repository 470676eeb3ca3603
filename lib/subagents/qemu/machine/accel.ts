import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';

/** How QEMU runs a guest's instructions: in hardware (KVM) or by translation (TCG). */
export type Accel = 'kvm' | 'tcg';

export const ACCEL_CHOICES = ['auto', 'kvm', 'tcg'] as const;
export type AccelChoice = (typeof ACCEL_CHOICES)[number];

const canOpen = async (path: string): Promise<boolean> => {
  try {
    const handle = await open(path, constants.O_RDWR);
    await handle.close();
    return true;
  } catch {
    return false;
  }
};

/**
 * Resolves `auto`. Requires the CPU flag as well as `/dev/kvm`: on a virtual machine without nested virtualization the
 * device may open and then hang every guest.
 * @param files replaces the host's files in tests
 */
export const chooseAccel = async (
  choice: AccelChoice,
  files = { cpuinfo: '/proc/cpuinfo', kvm: '/dev/kvm' },
): Promise<Accel> => {
  if (choice !== 'auto') return choice;
  const cpuinfo = await readFile(files.cpuinfo, 'utf8').catch(() => '');
  return /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuinfo) && (await canOpen(files.kvm)) ? 'kvm' : 'tcg';
};

const READ_WRITE_FOR_ALL = 0o006;

/** Returns the groups that an unprivileged process needs to open the accelerator's device. */
export const deviceGroups = async (accel: Accel, device = '/dev/kvm'): Promise<number[]> => {
  if (accel !== 'kvm') return [];
  const { mode, gid } = await stat(device);
  return (mode & READ_WRITE_FOR_ALL) === READ_WRITE_FOR_ALL ? [] : [gid];
};
