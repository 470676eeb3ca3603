import { device, type Properties, pciAddress, portId, SLOT } from './device-options.js';
import type { MachineIdentity } from './identity.js';

/**
 * The root ports that devices can be plugged into while a guest runs. Their buses are numbered by position, so that a
 * layout may never have fewer, nor others before them.
 */
export const ROOT_PORTS = 16;

const rootPort = (port: number): Properties => ({
  id: portId(port),
  // PCI Express identifies a slot by chassis and number; both start at 1.
  ...{ chassis: port + 1, slot: port + 1 },
  ...pciAddress(SLOT.ports, port),
});

/** Builds the devices that layout 2 has in advance, because a running guest cannot get them, or not without a free port. */
export const spareDevices = ({ layout }: Pick<MachineIdentity, 'layout'>): string[] => {
  if (layout < 2) return [];
  return [
    // The default, but what guests call a hot-plugged NIC depends on it.
    ...['-global', 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on'],
    ...Array.from({ length: ROOT_PORTS }, (_, port) => device('pcie-root-port', rootPort(port))).flat(),
  ];
};
