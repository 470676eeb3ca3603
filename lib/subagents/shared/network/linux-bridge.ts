import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Port, Switch, SwitchKind } from './switch.js';
import { type RunTool, runTool } from './tools.js';

export const SYS_NET = '/sys/class/net';

const textOf = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

/** A bridge of the Linux kernel: `ip-link(8)`, and `bridge(8)` for its VLANs. */
class LinuxBridge implements Switch {
  readonly offload = true;
  readonly #name: string;
  readonly #directory: string;
  readonly #run: RunTool;

  constructor(name: string, directory: string, run: RunTool) {
    this.#name = name;
    this.#directory = directory;
    this.#run = run;
  }

  async checkVlans(): Promise<void> {
    const filtering = await textOf(join(this.#directory, 'vlan_filtering'));
    if (filtering === undefined) {
      throw new Error(
        `the kernel of this host has no VLANs on Linux bridges like ${this.#name} (CONFIG_BRIDGE_VLAN_FILTERING): use a bridge of Open vSwitch`,
      );
    }
    if (filtering === '0') {
      throw new Error(
        `bridge ${this.#name} does not keep VLANs apart: ip link set ${this.#name} type bridge vlan_filtering 1`,
      );
    }
  }

  async join({ tap, vlans }: Port): Promise<void> {
    await this.#run('ip', 'link', 'set', 'dev', tap, 'master', this.#name);
    if (vlans.length === 0) return;
    // Every new port is in the bridge's default VLAN, untagged.
    const fallback = (await textOf(join(this.#directory, 'default_pvid'))) ?? '1';
    if (fallback !== '0') await this.#run('bridge', 'vlan', 'del', 'dev', tap, 'vid', fallback);
    const access = vlans.length === 1 ? ['pvid', 'untagged'] : [];
    for (const vlan of vlans)
      await this.#run('bridge', 'vlan', 'add', 'dev', tap, 'vid', `${vlan}`, ...access);
  }
}

/** The bridges of the Linux kernel, told by what sysfs shows of them. */
export const linuxBridges = (run: RunTool = runTool, sysNet = SYS_NET): SwitchKind => ({
  find: async (name) => {
    const directory = join(sysNet, name, 'bridge');
    return access(directory).then(
      () => new LinuxBridge(name, directory, run),
      () => undefined,
    );
  },
  // A port of the kernel's bridge ends with its tap.
  leave: async () => {},
});
