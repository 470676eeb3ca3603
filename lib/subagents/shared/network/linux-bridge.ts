import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '../../../rpc/protocol/refusal.js';
import { isNativeVlan, type Port, type Switch, type SwitchKind } from './switch.js';
import { type RunTool, runTool } from './tools.js';

export const SYS_NET = '/sys/class/net';

const readAttribute = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/** A bridge of the Linux kernel: ip-link(8), and bridge(8) for its VLANs. */
class LinuxBridge implements Switch {
  readonly keepsPorts = false;
  readonly offload = true;
  readonly #name: string;
  readonly #directory: string;
  readonly #run: RunTool;

  constructor(name: string, directory: string, run: RunTool) {
    this.#name = name;
    this.#directory = directory;
    this.#run = run;
  }

  /** Resolves to `undefined` when the kernel has no VLANs on bridges. */
  #filtering(): Promise<string | undefined> {
    return readAttribute(join(this.#directory, 'vlan_filtering'));
  }

  async checkVlans(vlans: readonly number[]): Promise<void> {
    if (isNativeVlan(vlans)) return;
    const filtering = await this.#filtering();
    if (filtering === undefined) {
      throw new Refusal(
        'conflict',
        `bridge ${this.#name} cannot have VLANs: this host's kernel lacks CONFIG_BRIDGE_VLAN_FILTERING: use an Open vSwitch bridge`,
      );
    }
    if (filtering === '0') {
      throw new Refusal(
        'conflict',
        `bridge ${this.#name} does not keep VLANs apart: ip link set ${this.#name} type bridge vlan_filtering 1`,
      );
    }
  }

  async addPort({ tap, vlans }: Port): Promise<void> {
    await this.#run('ip', 'link', 'set', 'dev', tap, 'master', this.#name);
    if (vlans.length === 0) return;
    if (isNativeVlan(vlans) && (await this.#filtering()) !== '1') return;
    // A new port starts in the bridge's default VLAN, untagged.
    const defaultVlan = (await readAttribute(join(this.#directory, 'default_pvid'))) ?? '1';
    if (defaultVlan !== '0') await this.#run('bridge', 'vlan', 'del', 'dev', tap, 'vid', defaultVlan);
    const access = vlans.length === 1 ? ['pvid', 'untagged'] : [];
    for (const vlan of vlans)
      await this.#run('bridge', 'vlan', 'add', 'dev', tap, 'vid', `${vlan}`, ...access);
  }
}

const isBridge = (sysNet: string, name: string): Promise<boolean> =>
  access(join(sysNet, name, 'bridge')).then(
    () => true,
    () => false,
  );

/**
 * The bridges of the Linux kernel, which sysfs shows as directories.
 * @param sysNet replaces /sys/class/net in tests
 */
export const linuxBridges = (run: RunTool = runTool, sysNet = SYS_NET): SwitchKind => ({
  keepsPorts: false,
  name: 'bridge',
  list: async () => {
    const devices = await readdir(sysNet);
    const isOne = await Promise.all(devices.map((name) => isBridge(sysNet, name)));
    return devices.filter((_, index) => isOne[index]);
  },
  find: async (name) =>
    (await isBridge(sysNet, name)) ? new LinuxBridge(name, join(sysNet, name, 'bridge'), run) : undefined,
  // The kernel removes the port with its tap.
  removePorts: async () => {},
  detach: async (tap) => {
    // The master of a port of Open vSwitch's kernel datapath is no bridge.
    const isPort = await isBridge(sysNet, join(tap, 'master'));
    if (isPort) await run('ip', 'link', 'set', 'dev', tap, 'nomaster');
  },
});
