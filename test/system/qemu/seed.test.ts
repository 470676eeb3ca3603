import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import { QmpClient } from '../../../lib/qmp/client.js';
import { makeBridge } from '../../helpers/bridge.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY, until } from '../../helpers/qemu.js';

const test = needs('genisoimage', ...LINUX_PARTS);
const rootTest = needs('genisoimage', 'ip', 'root', ...LINUX_PARTS);

/** One of the networks that are set aside for benchmarks, RFC 2544; one for each test. */
const subnet = (): string => `198.18.${randomInt(256)}`;

const answersPing = async (address: string): Promise<boolean> =>
  !(await execa('busybox', ['ping', '-c', '1', '-W', '1', address], { reject: false })).failed;

const script = (...lines: string[]): string => ['#!/bin/sh', ...lines, ''].join('\n');

rootTest(
  'two guests on one bridge ping each other, and the host reaches both, by IPv4 and IPv6',
  async (t) => {
    const net = subnet();
    const net6 = `fd00:${net.split('.')[2]}::`;
    const network = await makeBridge(t, `${net}.1/24`, `${net6}1/64`);
    const host = await QemuHost.start(t);
    const create = (n: number, other: number): Promise<LinuxGuest> =>
      LinuxGuest.create(t, host, {
        nics: [
          { network, address: `${net}.${n}`, netmask: '255.255.255.0', gateway: `${net}.1` },
          { network, address: `${net6}${n}/64` },
        ],
        metadata: {
          'user-data': script(
            `until ping -c 1 -W 1 ${net}.${other}; do sleep 1; done`,
            'echo "mistify-guest: pinged it"',
            'ip route',
          ),
        },
      });
    const guests = [await create(2, 3), await create(3, 2)];
    for (const [index, guest] of guests.entries()) {
      await guest.says(`address ${net}.${index + 2}/24`);
      await guest.says('pinged it');
      await until(async () => (await guest.console()).includes(`default via ${net}.1 dev`), 'its gateway');
      t.true((await guest.console()).includes(`address ${net6}${index + 2}/64`));
      for (const address of [`${net}.${index + 2}`, `${net6}${index + 2}`]) {
        // An address of IPv6 counts only once the guest knows that nobody else has it.
        await until(() => answersPing(address), `an answer from ${address}`);
      }
    }
  },
);

test('a guest gets its name and its user-data, and its disks keep their names', async (t) => {
  const host = await QemuHost.start(t);
  const metadata = {
    hostname: 'web-1',
    'user-data': script('echo "mistify-guest: $(hostname) $(ls /dev/vd?)"'),
  };
  const guest = await LinuxGuest.create(t, host, { nics: [{ network: 'user' }], metadata });
  await guest.says('web-1 /dev/vda');
  t.regex(await guest.console(), /hostname web-1/);
});

test('the seed is for its owner only, is read-only in the guest, and goes with the guest', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, metadata: { hostname: 'web-1' } });
  t.is((await stat(host.stateFile(id, 'seed.iso'))).mode & 0o777, 0o600);
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  const blocks = await qmp.execute<{ qdev?: string; inserted?: { ro: boolean } }[]>('query-block');
  qmp.close();
  t.true(blocks.find(({ qdev }) => qdev?.includes('seed0'))?.inserted?.ro);
  await host.call('Delete', { id });
  t.false(existsSync(host.stateFile(id)));
});

test('a guest of which there is nothing to tell has no seed, nor one of its last definition', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const seed = host.stateFile(id, 'seed.iso');
  await host.call('Create', { id, ...TINY, metadata: { hostname: 'web-1' } });
  t.true(existsSync(seed));
  await host.call('Poweroff', { id });
  await host.call('Create', { id, ...TINY, nics: [{ network: 'user' }], metadata: { owner: 'ops' } });
  t.false(existsSync(seed));
});

test('the seed sits on the bus of the first disk, whatever that is', async (t) => {
  const host = await QemuHost.start(t);
  for (const bus of ['virtio', 'scsi', 'sata', 'ide']) {
    const id = host.newId();
    const disks = [{ source: await host.makeDisk(id), bus }];
    const { guest } = await host.call('Create', { id, ...TINY, disks, metadata: { hostname: 'web-1' } });
    t.is(guest.state, 'running');
    t.is(Object.keys((await host.measure('DiskMetrics', id)).disk ?? {}).length, 1);
  }
});

test('the metadata of a guest is not in the answer: people may have changed it meanwhile', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, metadata: { hostname: 'web-1' } });
  t.is(guest.metadata, undefined);
});
