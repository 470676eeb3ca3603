import { chmod, readdir, readFile, stat } from 'node:fs/promises';
import { errorMessage } from '../../../errors.js';
import type { Nic } from '../../../model/guest.js';
import { SYS_NET } from './linux-bridge.js';
import type { Networks } from './networks.js';
import { tapPrefix } from './nics.js';
import type { Switch } from './switch.js';
import { runTool } from './tools.js';

/** What a tap's alias says about whose it is. */
export const tapAlias = (guestId: string): string => `mistify guest ${guestId}`;

const ip = (...args: string[]): Promise<string> => runTool('ip', ...args);

const aliasOf = (tap: string): Promise<string | undefined> =>
  readFile(`${SYS_NET}/${tap}/ifalias`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/** A bridge takes the lowest address of its ports as its own, so a tap's must be high: libvirt's `fe:`. */
export const tapMac = (mac: string): string => `fe${mac.slice(2)}`;

interface Tap {
  guestId: string;
  nic: Nic;
  tap: string;
  target: Switch;
  /** The user who may open it, whoever may make taps by default. */
  uid?: number | undefined;
}

const createTap = async ({ guestId, nic, tap, target, uid }: Tap): Promise<void> => {
  const user = uid === undefined ? [] : ['user', String(uid)];
  await ip('tuntap', 'add', 'dev', tap, 'mode', 'tap', ...user);
  const address = nic.mac ? ['address', tapMac(nic.mac)] : [];
  await ip('link', 'set', 'dev', tap, 'alias', tapAlias(guestId), ...address);
  await target.join({ tap, guestId, vlans: nic.vlans });
  await ip('link', 'set', 'dev', tap, 'up');
};

const READ_WRITE_FOR_ALL = 0o666;

/**
 * Has every user able to open the device that taps are had by, as udev does: what can be done with it is a matter of
 * the tap's owner (Documentation/networking/tuntap.rst of Linux). A host without udev may have it otherwise.
 */
const allowTaps = async (device = '/dev/net/tun'): Promise<void> => {
  const { mode } = await stat(device);
  if ((mode & READ_WRITE_FOR_ALL) !== READ_WRITE_FOR_ALL) await chmod(device, READ_WRITE_FOR_ALL);
};

/** The taps that this guest has on the host, with those that an interrupted start left behind. */
export const tapsOf = async (guestId: string): Promise<string[]> => {
  const prefix = tapPrefix(guestId);
  const names = (await readdir(SYS_NET)).filter((name) => name.startsWith(prefix));
  const aliases = await Promise.all(names.map(aliasOf));
  // No alias yet: the start was interrupted between the two commands.
  return names.filter((_, index) => !aliases[index] || aliases[index] === tapAlias(guestId));
};

/** Removes every tap of a guest from its switch and from the host; there may be none. */
export const removeTaps = async (guestId: string, networks: Networks): Promise<void> => {
  await networks.leave(guestId);
  for (const tap of await tapsOf(guestId)) {
    try {
      await ip('link', 'delete', 'dev', tap);
    } catch (error) {
      if ((await aliasOf(tap)) !== undefined) throw error;
    }
  }
};

/**
 * Makes the taps of a guest's nics and joins them to their switches: `ip-tuntap(8)`, `ip-link(8)`.
 * On failure some may be left for `removeTaps`.
 * @param switches of each nic, as `Networks.resolve` answers them
 * @param uid the user who is to open them
 */
export const createTaps = async (
  guestId: string,
  nics: readonly Nic[],
  switches: readonly (Switch | undefined)[],
  uid?: number,
): Promise<void> => {
  if (uid !== undefined && switches.some((target) => target !== undefined)) await allowTaps();
  for (const [index, nic] of nics.entries()) {
    const target = switches[index];
    if (!nic.device || !target) continue;
    try {
      await createTap({ guestId, nic, tap: nic.device, target, uid });
    } catch (error) {
      throw new Error(`nic ${index}: ${errorMessage(error)}`, { cause: error });
    }
  }
};
