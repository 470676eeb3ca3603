import { totalmem } from 'node:os';
import { type GuestSize, sizeProblem } from '../../../model/guest-size.js';
import { MB } from '../../../model/units.js';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import type { Accel } from './accel.js';

/** The limits of machine type q35; with KVM, more than 255 need an interrupt-remapping IOMMU. */
const MAX_VCPUS: Record<Accel, number> = { tcg: 288, kvm: 255 };

export interface SizeLimits {
  accel: Accel;
  /** MB; this host's by default. */
  hostMemory?: number;
}

/** @throws {Refusal} `invalid` when no guest of this size could run here, whatever the state of the host */
export const requireSizeFits = (size: GuestSize, { accel, hostMemory }: SizeLimits): void => {
  const most = {
    memory: hostMemory ?? Math.floor(totalmem() / MB),
    cpu: MAX_VCPUS[accel],
  };
  for (const key of ['memory', 'maxMemory'] as const) {
    const value = size[key] ?? 0;
    if (value > most.memory)
      throw new Refusal('invalid', `"${key}" must be at most this host's ${most.memory} MB, got ${value}`);
  }
  for (const key of ['cpu', 'maxCpu'] as const) {
    const value = size[key] ?? 0;
    if (value > most.cpu)
      throw new Refusal(
        'invalid',
        `"${key}" must be at most QEMU's limit of ${most.cpu} vCPUs, got ${value}`,
      );
  }
  const problem = sizeProblem(size);
  if (problem !== undefined) throw new Refusal('invalid', problem);
};

/** @throws {Refusal} `conflict` when the arrangement of a guest's devices does not allow it to grow while it runs */
export const requireGrowable = (
  { maxCpu }: GuestSize,
  { layout, next = { layout } }: { layout: number; next?: { layout: number } },
): void => {
  if (maxCpu !== undefined && next.layout < 2)
    throw new Refusal(
      'conflict',
      `"maxCpu" needs a guest of layout 2, and its devices have layout ${layout}: upgrade its virtual hardware with "mistify guest upgrade-machine" first`,
    );
};
