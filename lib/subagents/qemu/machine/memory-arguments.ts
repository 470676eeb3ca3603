import type { GuestSize } from '../../../model/guest-size.js';
import { MB } from '../../../model/units.js';
import { device, pciAddress, SLOT } from './device-options.js';

/** The virtio-mem device by which the memory of a running guest grows. */
export const MEMORY_DEVICE = 'vmem0';

/** Its smallest step, in MB: QEMU makes it the size of a transparent huge page. */
const STEP_MB = 2;

/** A file that holds a guest's memory, by a name that QEMU can open. */
export interface RamFile {
  path: string;
  /** Whether the guest's writes go into the file; otherwise each process keeps its own. */
  share: boolean;
}

/**
 * Names the memory in the state that QEMU saves, so that it must be the same in a template and its clones. It is the name
 * that QEMU's PCs give to memory in no file: a clone's own saved memory is loaded into that.
 */
const RAM_BACKEND = 'pc.ram';

/** Builds the options of memory that is in a file. */
export const ramFileArgs = (memory: number, { path, share }: RamFile): string[] => [
  ...['-m', `${memory}M`, '-machine', `memory-backend=${RAM_BACKEND}`],
  '-object',
  JSON.stringify({
    ...{ 'qom-type': 'memory-backend-file', id: RAM_BACKEND, size: memory * MB },
    ...{ 'mem-path': path, share },
  }),
];

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
