import { QmpError } from '../../../../qmp/errors.js';
import { addTap, removeTap } from '../../../shared/network/taps.js';
import { netdev, nicDevice } from '../../machine/nic-devices.js';
import { hasDevice, isReleasedWithin } from '../devices.js';
import type { Entry } from '../entry.js';
import type { Host } from '../launch.js';
import type { Watch } from '../watch.js';
import type { NicRecord, OwnNic } from './record.js';

const RELEASE_WAIT_MS = 5000;

/** Ignores that QEMU does not know the device. */
const ifKnown = (error: unknown): void => {
  if (!(error instanceof QmpError && error.qmpClass === 'DeviceNotFound')) throw error;
};

/** Plugs a NIC's cable in, or unplugs it. On the id of its netdev the guest would notice nothing. */
export const setLink = async (watch: Watch, device: string, up: boolean): Promise<void> => {
  await watch.execute('set_link', { name: device, up }).catch(ifKnown);
};

const removeNetdev = async (watch: Watch, id: string): Promise<void> => {
  await watch.execute('netdev_del', { id }).catch(ifKnown);
};

/**
 * Plugs a NIC of the record into the running guest: QMP `netdev_add`, `device_add`. One that is there already only gets
 * its cable as recorded.
 */
export const plugNic = async (
  host: Host,
  { id, record: { uid } }: Entry,
  watch: Watch,
  { definition, machine }: NicRecord,
  { nic, number, device, netdev: netdevId }: OwnNic,
): Promise<void> => {
  if (!(await hasDevice(watch, device))) {
    const target = await host.networks.resolveNic(nic);
    // An interrupted attempt may have left one.
    await removeNetdev(watch, netdevId);
    if (target && nic.device)
      await addTap({ guestId: id, nic, tap: nic.device, target, uid }, definition.nics, host.ports);
    await watch.execute('netdev_add', netdev(nic, number, target));
    await watch.execute('device_add', nicDevice(nic, number, machine, await host.program.nicModels()));
  }
  await setLink(watch, device, nic.link !== 'down');
};

/**
 * Asks the running guest to let go of a NIC, whose cable is unplugged at once: QMP `device_del`.
 * @returns whether the guest has done so; one without a driver, or one that is paused, does not before a reset
 */
export const unplugNic = async (
  watch: Watch,
  { device, isOnPort }: OwnNic,
  isRunning: boolean,
): Promise<boolean> => {
  await setLink(watch, device, false);
  if (!isOnPort) return !(await hasDevice(watch, device));
  // QEMU may refuse a second request while the first one waits.
  const refusal = await watch.execute('device_del', { id: device }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (refusal !== undefined && !(refusal instanceof QmpError)) throw refusal;
  return isReleasedWithin(watch, device, isRunning ? RELEASE_WAIT_MS : 0);
};

/** Removes what is left of a NIC that the running guest has let go of: its netdev and its tap. */
export const removeNicParts = async (
  host: Host,
  { id }: Entry,
  watch: Watch,
  { definition }: NicRecord,
  { nic, netdev: netdevId }: OwnNic,
): Promise<void> => {
  await removeNetdev(watch, netdevId);
  if (nic.device) await removeTap({ guestId: id, tap: nic.device }, definition.nics, host.ports);
};
