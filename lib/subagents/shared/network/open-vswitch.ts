import { join } from 'node:path';
import { errorMessage } from '../../../errors.js';
import { exists } from '../../../files/exists.js';
import { SYS_NET } from './linux-bridge.js';
import { NoServiceError, type Port, type Switch, type SwitchKind } from './switch.js';
import { type RunTool, runTool, ToolError } from './tools.js';

/** Seconds that ovs-vsctl(8) waits for ovs-vswitchd to apply a change. */
const TIMEOUT_S = 10;
/** Seconds that a list of bridges may take while a client waits. */
const LIST_TIMEOUT_S = 3;
/** The exit code of `ovs-vsctl br-exists` when the bridge does not exist. */
const NO_SUCH_BRIDGE = 2;
/** The key in a port's external-ids that holds the guest's id. */
const OWNER = 'mistify-guest';

type Vsctl = (...args: string[]) => Promise<string>;

/** A bridge of Open vSwitch: ovs-vsctl(8), and the table `Port` in ovs-vswitchd.conf.db(5). */
class OvsBridge implements Switch {
  readonly keepsPorts = true;
  readonly offload: boolean;
  readonly #name: string;
  readonly #vsctl: Vsctl;

  constructor(name: string, vsctl: Vsctl, offload: boolean) {
    this.#name = name;
    this.#vsctl = vsctl;
    this.offload = offload;
  }

  async checkVlans(): Promise<void> {
    // Every Open vSwitch bridge supports VLANs.
  }

  /** Adds the port and its VLANs in one transaction: the port never exists without its VLANs. */
  async addPort({ tap, guestId, vlans }: Port): Promise<void> {
    const columns = [`external-ids:${OWNER}=${guestId}`];
    if (vlans.length === 1) columns.push('vlan_mode=access', `tag=${vlans[0]}`);
    if (vlans.length > 1) columns.push('vlan_mode=trunk', `trunks=${vlans.join(',')}`);
    await this.#vsctl('add-port', this.#name, tap, '--', 'set', 'Port', tap, ...columns);
  }
}

const listPorts = async (vsctl: Vsctl, guestId: string): Promise<string[]> => {
  const where = `external-ids:${OWNER}=${guestId}`;
  const names = await vsctl('--bare', '--no-headings', '--columns=name', 'find', 'Port', where);
  return names.split('\n').filter(Boolean);
};

const deletePorts = async (vsctl: Vsctl, guestId: string): Promise<void> => {
  const ports = await listPorts(vsctl, guestId);
  if (ports.length === 0) return;
  const commands = ports.flatMap((port) => ['--', '--if-exists', 'del-port', port]);
  try {
    await vsctl(...commands.slice(1));
  } catch (error) {
    // Without ovs-vswitchd the command times out although the database has dropped the ports.
    if ((await listPorts(vsctl, guestId)).length > 0) throw error;
  }
};

const hasPort = async (vsctl: Vsctl, name: string): Promise<boolean> =>
  (await vsctl('--bare', '--no-headings', '--columns=name', 'find', 'Port', `name=${name}`)).trim() !== '';

const deletePort = async (vsctl: Vsctl, name: string): Promise<void> => {
  try {
    await vsctl('--if-exists', 'del-port', name);
  } catch (error) {
    // As in `deletePorts`.
    if (await hasPort(vsctl, name)) throw error;
  }
};

/** Whether this host has no Open vSwitch: the program is not installed or the database does not run. */
const isAbsent = (error: unknown): boolean =>
  error instanceof ToolError && (error.missing || error.message.includes('database connection failed'));

const explainAbsence = (error: unknown): never => {
  if (!isAbsent(error)) throw error;
  throw new NoServiceError(errorMessage(error), { cause: error });
};

const explainTimeout =
  (seconds: number) =>
  (error: unknown): never => {
    if (!(error instanceof ToolError && error.timedOut)) throw error;
    const message = `Open vSwitch did not respond within ${seconds} s: check ovsdb-server and ovs-vswitchd`;
    throw new Error(message, { cause: error });
  };

/**
 * The bridges of Open vSwitch; a host without it has none. Each bridge has a local port, which is a device of the host with
 * the bridge's name (ovs-vswitchd(8)), so a name without a device is found to be none even while Open vSwitch hangs.
 * @param db the database's address as `ovs-vsctl --db` takes it (`unix:/run/…/db.sock`); the system's by default
 * @param sysNet replaces /sys/class/net in tests
 */
export const openVswitch = (db?: string, run: RunTool = runTool, sysNet = SYS_NET): SwitchKind => {
  const within =
    (seconds: number): Vsctl =>
    (...args) =>
      run('ovs-vsctl', `--timeout=${seconds}`, ...(db ? [`--db=${db}`] : []), ...args).catch(
        explainTimeout(seconds),
      );
  const vsctl = within(TIMEOUT_S);
  return {
    keepsPorts: true,
    name: 'openvswitch',
    list: async () => {
      try {
        return (await within(LIST_TIMEOUT_S)('list-br')).split('\n').filter(Boolean);
      } catch (error) {
        if (isAbsent(error)) return [];
        throw error;
      }
    },
    find: async (name) => {
      if (!(await exists(join(sysNet, name)))) return undefined;
      try {
        await vsctl('br-exists', name);
      } catch (error) {
        if (isAbsent(error) || (error instanceof ToolError && error.exitCode === NO_SUCH_BRIDGE))
          return undefined;
        throw error;
      }
      const parent = (await vsctl('br-to-parent', name)).trim();
      const datapath = (await vsctl('get', 'Bridge', parent, 'datapath_type')).trim();
      // The userspace datapath forwards frames as it reads them from the tap, without completing their checksums.
      return new OvsBridge(name, vsctl, datapath !== 'netdev');
    },
    removePorts: (guestId) => deletePorts(vsctl, guestId).catch(explainAbsence),
    detach: (tap) => deletePort(vsctl, tap).catch(explainAbsence),
  };
};
