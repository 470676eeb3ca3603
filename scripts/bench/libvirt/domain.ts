/** What tells one domain from another. */
export interface Domain {
  name: string;
  disk: string;
  /** The socket and the log of its serial console. */
  serial: string;
  serialLog: string;
}

/** The root ports for hot-plugging that the agent's guests have. */
const ROOT_PORTS = 16;

/** Returns the value of an argument in QEMU's command line. */
const argument = (command: readonly string[], name: string): string =>
  command[command.indexOf(name) + 1] ?? '';

/**
 * Writes the XML of a domain that has the machine and the devices of the agent's guest.
 * @param command of the agent's QEMU
 */
export const domainXml = (
  { name, disk, serial, serialLog }: Domain,
  command: readonly string[],
): string => `<domain type="${argument(command, '-accel') === 'kvm' ? 'kvm' : 'qemu'}">
  <name>${name}</name>
  <genid/>
  <memory unit="MiB">${Number.parseInt(argument(command, '-m'), 10)}</memory>
  <vcpu>1</vcpu>
  <os><type arch="x86_64" machine="${argument(command, '-machine')}">hvm</type></os>
  <features><acpi/></features>
  <cpu mode="maximum"/>
  <clock offset="utc"/>
  <devices>
    <disk type="file" device="disk">
      <driver name="qemu" type="qcow2" discard="unmap" queues="4"/>
      <source file="${disk}"/>
      <target dev="vda" bus="virtio"/>
      <boot order="1"/>
    </disk>
    <disk type="file" device="cdrom"><target dev="sda" bus="sata"/><readonly/><boot order="2"/></disk>
    <controller type="scsi" model="virtio-scsi"><driver queues="4"/></controller>
    <controller type="usb" model="qemu-xhci"/>
    <controller type="pci" model="pcie-root"/>
    ${'<controller type="pci" model="pcie-root-port"/>'.repeat(ROOT_PORTS)}
    <serial type="unix">
      <source mode="bind" path="${serial}"/>
      <log file="${serialLog}" append="on"/>
      <target type="isa-serial"/>
    </serial>
    <channel type="unix"><target type="virtio" name="org.qemu.guest_agent.0"/></channel>
    <input type="tablet" bus="usb"/>
    <graphics type="vnc" autoport="yes" listen="127.0.0.1" passwd="bench"/>
    <video><model type="vga"/></video>
    <memballoon model="virtio"/>
    <rng model="virtio"><backend model="random">/dev/urandom</backend></rng>
    <panic model="isa"/>
  </devices>
</domain>
`;
