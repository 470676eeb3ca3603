import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import { SYS_NET } from './linux-bridge.js';
import { tapPrefix } from './nics.js';
import type { Switch } from './switch.js';
import type { SwitchPorts } from './switch-ports.js';
import { runTool } from './tools.js';

/** The interface alias that marks a tap as a guest's. */
export const tapAlias = (guestId: string): string => `mistify guest ${guestId}`;

const ip = (...args: string[]): Promise<string> => runTool('ip', ...args);

const readAlias = (tap: string): Promise<string | undefined> =>
  readFile(`${SYS_NET}/${tap}/ifalias`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/**
 * The host's end of a NIC gets the NIC's MAC address with a first byte of `fe`, as in libvirt: a Linux bridge takes
 * the lowest address of its ports as its own and must not change it when a guest starts or stops.
 */
export const tapMac = (mac: string): string => `fe${mac.slice(2)}`;

/** A tap of a guest, and the switch that it joins. */
export interface Tap {
  guestId: string;
  nic: Nic;
  tap: string;
  target: Switch;
  /** The user that may open the tap; without one, opening it takes CAP_NET_ADMIN. */
  uid?: number | undefined;
}

const createTap = async ({ guestId, nic, tap, target, uid }: Tap, ports: SwitchPorts): Promise<void> => {
  const user = uid === undefined ? [] : ['user', String(uid)];
  await ip('tuntap', 'add', 'dev', tap, 'mode', 'tap', ...user);
  const address = nic.mac ? ['address', tapMac(nic.mac)] : [];
  await ip('link', 'set', 'dev', tap, 'alias', tapAlias(guestId), ...address);
  await ports.add(target, { tap, guestId, vlans: nic.vlans });
  await ip('link', 'set', 'dev', tap, 'up');
};

const READ_WRITE_FOR_ALL = 0o666;

/**
 * Lets every user open /dev/net/tun, as udev's default rules do. Opening it grants nothing by itself: the kernel
 * checks the owner of each tap (Documentation/networking/tuntap.rst of Linux).
 */
const allowTaps = async (device = '/dev/net/tun'): Promise<void> => {
  const { mode } = await stat(device);
  if ((mode & READ_WRITE_FOR_ALL) !== READ_WRITE_FOR_ALL) await chmod(device, READ_WRITE_FOR_ALL);
};

/** Lists a guest's taps on the host, including those that an interrupted start left behind. */
const listTaps = async (guestId: string): Promise<string[]> => {
  const prefix = tapPrefix(guestId);
  const names = (await readdir(SYS_NET)).filter((name) => name.startsWith(prefix));
  const aliases = await Promise.all(names.map(readAlias));
  // A tap without an alias: the start was interrupted before it set one.
  return names.filter((_, index) => !aliases[index] || aliases[index] === tapAlias(guestId));
};

const deleteTap = async (tap: string): Promise<void> => {
  try {
    await ip('link', 'delete', 'dev', tap);
  } catch (error) {
    if ((await readAlias(tap)) !== undefined) throw error;
  }
};

/** Removes all taps of a guest from the host. A guest without taps is no error. */
const deleteTaps = async (guestId: string): Promise<void> => {
  for (const tap of await listTaps(guestId)) await deleteTap(tap);
};

/**
 * Removes one tap of a guest that runs from its switch and from the host. A tap that does not exist is no error.
 * @param nics all NICs that the guest has
 * @throws when its switch does not respond; the tap is still there then
 */
export const removeTap = async (
  { guestId, tap }: Pick<Tap, 'guestId' | 'tap'>,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  await ports.detach(guestId, tap, nics);
  if ((await listTaps(guestId)).includes(tap)) await deleteTap(tap);
};

/** Creates the tap of a NIC that a running guest gets, in place of one that an interrupted attempt left behind. */
export const addTap = async (tap: Tap, nics: readonly Nic[], ports: SwitchPorts): Promise<void> => {
  await removeTap(tap, nics, ports);
  if (tap.uid !== undefined) await allowTaps();
  await createTap(tap, ports);
};

/** Moves a tap, which a guest has open, to a switch or to other VLANs. It may be on that switch already. */
export const moveTap = async (
  { guestId, nic, tap, target }: Tap,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  await ip('link', 'set', 'dev', tap, 'down');
  await ports.detach(guestId, tap, nics);
  await ports.add(target, { tap, guestId, vlans: nic.vlans });
  await ip('link', 'set', 'dev', tap, 'up');
};

/** IFF_VNET_HDR of Linux's if_tun.h. */
const VNET_HDR = 0x4000;

/** Whether the guest's frames reach a tap with a virtio header, which allows offloads; QEMU decides it for good. */
export const hasOffload = async (tap: string): Promise<boolean> =>
  (Number(await readFile(`${SYS_NET}/${tap}/tun_flags`, 'utf8')) & VNET_HDR) !== 0;

/**
 * Removes all taps of a guest that is off from the host, and from their switches as soon as these respond. A guest
 * without taps is no error.
 */
export const removeTaps = async (
  guestId: string,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  await ports.removeLater(guestId, nics);
  await deleteTaps(guestId);
};

/**
 * Removes the taps that earlier runs of a guest left behind, before it starts.
 * @throws when a switch that may have ports of these taps does not respond
 */
export const removeOldTaps = async (
  guestId: string,
  nics: readonly Nic[],
  ports: SwitchPorts,
): Promise<void> => {
  await ports.removeNow(guestId, nics);
  await deleteTaps(guestId);
};

/**
 * Creates the taps of a guest's NICs and joins them to their switches: ip-tuntap(8), ip-link(8). After a failure,
 * call `removeTaps` to remove those that were created.
 * @param switches one for each NIC, from `Networks.resolve`
 * @param uid the user that may open the taps
 */
export const createTaps = async (
  guestId: string,
  nics: readonly Nic[],
  switches: readonly (Switch | undefined)[],
  ports: SwitchPorts,
  uid?: number,
): Promise<void> => {
  if (uid !== undefined && switches.some((target) => target !== undefined)) await allowTaps();
  for (const [index, nic] of nics.entries()) {
    const target = switches[index];
    if (!nic.device || !target) continue;
    try {
      await createTap({ guestId, nic, tap: nic.device, target, uid }, ports);
    } catch (error) {
      throw new Error(`NIC ${index}: ${errorMessage(error)}`, { cause: error });
    }
  }
};
