import type { Disk, Guest, Nic } from '../../../model/guest.js';
import type { GuestRequest, GuestResponse } from '../../../rpc/protocol/guest-messages.js';
import type { DiskUseResponse } from '../../../rpc/protocol/space-messages.js';

const VNC_PORT = 5900;
/** The size of a disk without a requested size, in MB. */
const DEFAULT_DISK_MB = 1024;

const letter = (index: number): string => String.fromCharCode('a'.charCodeAt(0) + index);

const completeDisk = (guest: Guest, disk: Disk, index: number): Disk => {
  const volume = `guests/${guest.id}/disk-${index}`;
  return {
    ...disk,
    bus: disk.bus || 'virtio',
    device: disk.device || `vd${letter(index)}`,
    size: disk.size || DEFAULT_DISK_MB,
    volume,
    source: `/var/lib/mistify/test-service/${volume}.qcow2`,
  };
};

const completeNic = (nic: Nic, index: number): Nic => ({
  ...nic,
  name: nic.name ?? `net${index}`,
  model: nic.model || 'virtio',
  mac: nic.mac ?? `52:54:00:00:00:${(index + 1).toString(16).padStart(2, '0')}`,
  device: nic.device ?? `tap${index}`,
});

/** Returns the guest with disks as a storage sub-agent would create them. */
export const withDisks = ({ guest }: GuestRequest): GuestResponse => ({
  guest: { ...guest, disks: (guest.disks ?? []).map((disk, index) => completeDisk(guest, disk, index)) },
});

export const withoutDisks = ({ guest }: GuestRequest): GuestResponse => ({ guest: { ...guest, disks: [] } });

/** Every disk takes a quarter of its size. */
export const diskUse = ({ guest }: GuestRequest): DiskUseResponse => ({
  disks: (guest.disks ?? []).map(({ volume, size }) => ({ volume, used: Math.ceil(size / 4) })),
});

export const unchanged = ({ guest }: GuestRequest): GuestResponse => ({ guest });

/** Returns the guest defined but not started. */
export const defined = ({ guest }: GuestRequest): GuestResponse => ({
  guest: { ...guest, state: 'shutoff', nics: (guest.nics ?? []).map(completeNic) },
});

/** Returns the running guest, with its NICs and its VNC port. */
export const running = ({ guest }: GuestRequest): GuestResponse => ({
  guest: { ...guest, state: 'running', nics: (guest.nics ?? []).map(completeNic), vnc: VNC_PORT },
});

export const paused = ({ guest }: GuestRequest): GuestResponse => ({ guest: { ...guest, state: 'paused' } });

export const shutoff = ({ guest }: GuestRequest): GuestResponse => ({
  guest: { ...guest, state: 'shutoff', vnc: 0 },
});

/** Returns the caller's own state: the test service has no other. */
export const status = ({ guest }: GuestRequest): GuestResponse => ({
  guest: { ...guest, state: guest.state || 'unknown' },
});

/** Returns a method that reports a container in the given state. */
export const container =
  (state: 'running' | 'paused' | 'stopped' | 'deleted') =>
  ({ guest }: GuestRequest): GuestResponse => ({ guest: { ...guest, type: 'container', state } });
