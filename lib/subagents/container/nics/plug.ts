import { readFile } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import { interfaceAddress } from '../../shared/network/addresses.js';
import { SYS_NET } from '../../shared/network/linux-bridge.js';
import type { SwitchPorts } from '../../shared/network/switch-ports.js';
import { removeOldTaps, removeTaps, tapAlias, tapMac } from '../../shared/network/taps.js';
import { runTool } from '../../shared/network/tools.js';
import { isEngineNic } from './complete.js';
import { runInside } from './inside.js';
import { networks } from './switches.js';

/**
 * Checks both ends: a restarted container has a new network namespace, and the old one's devices vanish with a delay.
 */
const isPlugged = async (guestId: string, pid: number, device: string, inside: string): Promise<boolean> => {
  const devices = await readFile(`/proc/${pid}/net/dev`, 'utf8');
  const alias = await readFile(`${SYS_NET}/${device}/ifalias`, 'utf8').catch(() => '');
  return devices.includes(` ${inside}:`) && alias.trim() === tapAlias(guestId);
};

interface Plugging {
  guestId: string;
  /** The container's first process. */
  pid: number;
  ports: SwitchPorts;
}

const plug = async ({ guestId, pid, ports }: Plugging, nic: Nic, inside: string): Promise<void> => {
  const { device = '', mac = '', network, vlans } = nic;
  const target = await networks.find(network);
  if (!target) throw new Error(`bridge ${network} no longer exists on this host`);
  const peer = ['peer', 'name', inside, 'address', mac, 'netns', String(pid)];
  await runTool('ip', 'link', 'add', 'dev', device, 'address', tapMac(mac), 'type', 'veth', ...peer);
  await ports.add(target, { tap: device, guestId, vlans });
  if (!target.offload) await runInside(pid, 'ethtool', '-K', inside, 'tx', 'off');
  const address = interfaceAddress(nic);
  if (address) await runInside(pid, 'ip', 'address', 'add', address.cidr, 'dev', inside);
  await runInside(pid, 'ip', 'link', 'set', 'dev', inside, 'up');
  await runTool('ip', 'link', 'set', 'dev', device, 'up');
  if (address?.gateway) {
    const family = `-${address.family}`;
    await runInside(pid, 'ip', family, 'route', 'replace', 'default', 'via', address.gateway, 'dev', inside);
  }
  // The alias comes last: it marks a completely configured device.
  await runTool('ip', 'link', 'set', 'dev', device, 'alias', tapAlias(guestId));
};

const onBridges = (nics: readonly Nic[]): Nic[] => nics.filter((nic) => !isEngineNic(nic));

/** Removes the devices that a stopped container may still have on the host's bridges. */
export const unplugNics = async (
  guestId: string,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  const own = onBridges(nics);
  if (own.length > 0) await removeTaps(guestId, own, ports);
};

/**
 * Connects a running container to the host's bridges, each NIC by a veth(4) pair. Leaves engine networks to the engine,
 * and a completely connected container as it is.
 * @param pid the container's first process
 */
export const plugNics = async (
  guestId: string,
  pid: number,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  const own = onBridges(nics);
  // The engine has already named its own NICs eth0, eth1, ...
  const first = nics.length - own.length;
  const plugged = await Promise.all(
    own.map(({ device = '' }, index) => isPlugged(guestId, pid, device, `eth${first + index}`)),
  );
  if (plugged.every(Boolean)) return;
  if (own.length > 0) await removeOldTaps(guestId, own, ports);
  for (const [index, nic] of own.entries()) {
    try {
      await plug({ guestId, pid, ports }, nic, `eth${first + index}`);
    } catch (error) {
      await unplugNics(guestId, own, ports);
      throw new Error(`NIC ${nic.name}: ${errorMessage(error)}`, { cause: error });
    }
  }
};
