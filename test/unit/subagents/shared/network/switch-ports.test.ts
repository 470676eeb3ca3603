import test, { type ExecutionContext } from 'ava';
import type { Nic } from '../../../../../lib/model/guest.js';
import { Problems } from '../../../../../lib/rpc/server/problems.js';
import { createNetworks } from '../../../../../lib/subagents/shared/network/networks.js';
import {
  NoServiceError,
  type Switch,
  type SwitchKind,
} from '../../../../../lib/subagents/shared/network/switch.js';
import type { SwitchPorts } from '../../../../../lib/subagents/shared/network/switch-ports.js';
import { switchPorts } from '../../../../helpers/switch-ports.js';
import { tempDir } from '../../../../helpers/temp.js';
import { gate, until } from '../../../../helpers/wait.js';

const NICS: Nic[] = [
  { network: 'ovs0', model: '', address: '', netmask: '', gateway: '', vlans: [], device: 'mt-0' },
];

const TARGET: Switch = {
  keepsPorts: true,
  offload: true,
  checkVlans: async () => {},
  addPort: async () => {},
};

/** A kind of switch that keeps ports, and that the test can break. */
class Ports implements SwitchKind {
  readonly keepsPorts = true;
  readonly name = 'openvswitch';
  readonly removed: string[] = [];
  broken: Error | undefined;
  calls = 0;

  async list(): Promise<string[]> {
    return [];
  }

  async find(): Promise<undefined> {}

  async detach(): Promise<void> {}

  async removePorts(guestId: string): Promise<void> {
    this.calls += 1;
    if (this.broken !== undefined) throw this.broken;
    this.removed.push(guestId);
  }
}

const setUp = async (
  t: ExecutionContext,
): Promise<{ ports: Ports; problems: Problems; guestPorts: SwitchPorts; again: () => SwitchPorts }> => {
  const [ports, problems, dir] = [new Ports(), new Problems(), await tempDir(t)];
  const again = (): SwitchPorts => {
    const guestPorts = switchPorts(createNetworks(undefined, [ports]), dir, problems);
    t.teardown(() => guestPorts.close());
    return guestPorts;
  };
  return { ports, problems, guestPorts: again(), again };
};

test('asks no switch about a guest without NICs, or with a NIC on network user', async (t) => {
  const { ports, guestPorts } = await setUp(t);
  await guestPorts.removeLater('a', []);
  await guestPorts.removeNow(
    'a',
    NICS.map((nic) => ({ ...nic, network: 'user' })),
  );
  t.is(ports.calls, 0);
});

test('asks no switch about a NIC on a bridge whose ports disappear with their taps', async (t) => {
  const ports = new Ports();
  const bridge = { keepsPorts: false, offload: true, checkVlans: async () => {}, addPort: async () => {} };
  const linux: SwitchKind = {
    keepsPorts: false,
    name: 'bridge',
    list: async () => ['br0'],
    find: async () => bridge,
    removePorts: async () => {},
    detach: async () => {},
  };
  const guestPorts = switchPorts(createNetworks(undefined, [linux, ports]), await tempDir(t));
  await guestPorts.removeLater('a', NICS);
  t.is(ports.calls, 0);
});

test('leaves the ports to a retry while the switch fails, and says so until they are removed', async (t) => {
  const { ports, problems, guestPorts } = await setUp(t);
  ports.broken = new Error('no response');
  await guestPorts.removeLater('a', NICS);
  t.true(guestPorts.isPending('a'));
  t.deepEqual(problems.all(), [
    'the switch ports of 1 guest that is off are not removed yet, retrying: no response',
  ]);
  ports.broken = undefined;
  await until('the ports are removed', () => problems.all().length === 0);
  t.deepEqual(ports.removed, ['a']);
  t.false(guestPorts.isPending('a'));
});

test('does not let further stops wait for a switch that does not respond', async (t) => {
  const { ports, problems, guestPorts } = await setUp(t);
  ports.broken = new Error('no response');
  await guestPorts.removeLater('a', NICS);
  const hung = gate();
  ports.removePorts = () => hung.opened;
  await Promise.all(['b', 'c'].map((id) => guestPorts.removeLater(id, NICS)));
  t.regex(problems.all()[0] ?? '', /ports of 3 guests that are off are/);
  hung.open();
  await until('all are removed', () => problems.all().length === 0);
});

test('fails a start while old ports of the guest cannot be removed, even if it has no NICs now', async (t) => {
  const { ports, guestPorts } = await setUp(t);
  ports.broken = new Error('no response');
  await t.throwsAsync(guestPorts.removeNow('a', NICS), { message: 'no response' });
  await guestPorts.removeLater('b', NICS);
  await t.throwsAsync(guestPorts.removeNow('b', []), { message: 'no response' });
  ports.broken = undefined;
  await guestPorts.removeNow('b', NICS);
  t.false(guestPorts.isPending('b'));
});

test('removes the ports that an earlier sub-agent left pending', async (t) => {
  const { ports, problems, guestPorts, again } = await setUp(t);
  ports.broken = new Error('no response');
  await guestPorts.removeLater('a', NICS);
  guestPorts.close();
  ports.broken = undefined;
  const next = again();
  await next.load();
  t.true(next.isPending('a'));
  await until('they are removed', () => !next.isPending('a'));
  t.deepEqual(problems.all(), []);
});

test('starts and stops a guest on a host whose switches’ service does not run, unless it had ports there', async (t) => {
  const { ports, guestPorts } = await setUp(t);
  ports.broken = new NoServiceError('database connection failed');
  await guestPorts.removeNow('a', NICS);
  await guestPorts.removeLater('a', NICS);
  t.false(guestPorts.isPending('a'));
  await guestPorts.add(TARGET, { guestId: 'b', tap: 'mt-0', vlans: [] });
  await guestPorts.removeLater('b', []);
  t.true(guestPorts.isPending('b'));
  await t.throwsAsync(guestPorts.removeNow('b', NICS), { message: 'database connection failed' });
});

test('knows after a restart which guests have ports, whatever their NICs are now', async (t) => {
  const { ports, guestPorts, again } = await setUp(t);
  await guestPorts.add(TARGET, { guestId: 'a', tap: 'mt-0', vlans: [] });
  const next = again();
  await next.load();
  await next.removeLater('a', []);
  t.deepEqual(ports.removed, ['a']);
});
