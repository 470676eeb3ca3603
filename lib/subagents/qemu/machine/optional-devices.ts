import { EARLIER_DEVICES } from '../../../model/devices.js';
import { device, pciAddress, SLOT } from './device-options.js';
import type { MachineIdentity } from './identity.js';

type Identity = Pick<MachineIdentity, 'devices' | 'generation' | 'tpm'>;

/** Its socket is relative to the run directory: `tpmPaths`. */
const TPM = [
  ...['-chardev', 'socket,id=chrtpm,path=tpm/sock'],
  ...['-tpmdev', 'emulator,id=tpm0,chardev=chrtpm'],
  ...device('tpm-crb', { tpmdev: 'tpm0' }),
];

const VIDEO_DRIVERS = { std: 'VGA', virtio: 'virtio-vga' } as const;

/** Builds the graphics card. Without one, the screen shows that the guest has no display. */
export const videoArgs = ({ devices: { video } = EARLIER_DEVICES }: Identity): string[] =>
  video === 'none' ? [] : device(VIDEO_DRIVERS[video], { id: 'video0', ...pciAddress(SLOT.video) });

/**
 * Builds the small devices that a guest's hardware has.
 * @param generation the generation ID, where a rollback has changed it
 */
export const optionalDevices = (
  { devices = EARLIER_DEVICES, generation: first, tpm = false }: Identity,
  generation = first,
): string[] => {
  const { tablet, watchdog, vmgenid } = devices;
  return [
    ...(tablet
      ? [
          ...device('qemu-xhci', { id: 'usb0', ...pciAddress(SLOT.usb) }),
          ...device('usb-tablet', { id: 'tablet0', bus: 'usb0.0' }),
        ]
      : []),
    ...(watchdog === 'none'
      ? []
      : [
          ...device('i6300esb', { id: 'watchdog0', ...pciAddress(SLOT.watchdog) }),
          ...['-action', `watchdog=${watchdog}`],
        ]),
    ...(tpm ? TPM : []),
    ...(vmgenid ? device('vmgenid', { id: 'vmgenid0', guid: generation }) : []),
  ];
};
