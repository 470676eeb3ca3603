import type { GuestSize } from '../../../model/guest-size.js';
import { MB } from '../../../model/units.js';
import { device, pciAddress, SLOT } from './device-options.js';

/** The virtio-mem device by which the memory of a running guest grows. */
export const MEMORY_DEVICE = 'vmem0';

/** Its smallest step, in MB: QEMU makes it the size of a transparent huge page. */
const STEP_MB = 2;

/**
 * Builds the options of a guest's memory. A guest that can grow gets a virtio-mem device, empty at first. It costs the
 * guest tens of megabytes for a bounce buffer, because its addresses reach beyond 4 GiB then.
 */
export const memoryArgs = ({ memory, maxMemory = memory }: GuestSize): string[] => {
  const room = Math.floor((maxMemory - memory) / STEP_MB) * STEP_MB;
  if (room === 0) return ['-m', `${memory}M`];
  const backend = `${MEMORY_DEVICE}-ram`;
  return [
    ...['-m', `size=${memory}M,maxmem=${memory + room}M`],
    ...['-object', JSON.stringify({ 'qom-type': 'memory-backend-ram', id: backend, size: room * MB })],
    ...device('virtio-mem-pci', {
      id: MEMORY_DEVICE,
      memdev: backend,
      'requested-size': 0,
      ...pciAddress(SLOT.memory),
    }),
  ];
};
