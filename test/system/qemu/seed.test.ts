import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { diskSerial } from '../../../lib/model/disks.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { makeBridge } from '../../helpers/bridge.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('genisoimage', ...LINUX_PARTS);
const rootTest = needs('genisoimage', 'ip', 'root', ...LINUX_PARTS);

/** A random network for one test, from the range reserved for benchmarks (RFC 2544). */
const subnet = (): string => `198.18.${randomInt(256)}`;

const answersPing = async (address: string): Promise<boolean> =>
  !(await execa('busybox', ['ping', '-c', '1', '-W', '1', address], { reject: false })).failed;

const script = (...lines: string[]): string => ['#!/bin/sh', ...lines, ''].join('\n');

rootTest(
  'connects two guests on one bridge with each other and with the host, over IPv4 and IPv6',
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
      await until('the guest has its gateway', async () =>
        (await guest.console()).includes(`default via ${net}.1 dev`),
      );
      t.true((await guest.console()).includes(`address ${net6}${index + 2}/64`));
      for (const address of [`${net}.${index + 2}`, `${net6}${index + 2}`]) {
        // The guest uses an IPv6 address only after duplicate address detection (RFC 4862).
        await until(`${address} replies`, () => answersPing(address));
      }
    }
  },
);

test('passes hostname and user-data to the guest without renaming its disks', async (t) => {
  const host = await QemuHost.start(t);
  const metadata = {
    hostname: 'web-1',
    'user-data': script('echo "mistify-guest: $(hostname) $(ls /dev/vd?)"'),
  };
  const guest = await LinuxGuest.create(t, host, { nics: [{ network: 'user' }], metadata });
  await guest.says('web-1 /dev/vda');
  t.regex(await guest.console(), /hostname web-1/);
});

test('gives the guest changed metadata with a new instance-id at the next start', async (t) => {
  const host = await QemuHost.start(t);
  const userData = script('echo "mistify-guest: $(hostname), $(grep instance-id /seed/meta-data)"');
  const guest = await LinuxGuest.create(t, host, {
    nics: [{ network: 'user' }],
    metadata: { hostname: 'web-1', 'user-data': userData },
  });
  await guest.says(`web-1, instance-id: "${guest.id}"`);
  const startWith = async (metadata: Record<string, string>) => {
    await host.call('Poweroff', { id: guest.id });
    return host.call('Run', { id: guest.id, state: 'shutoff', metadata });
  };
  const metadata = { hostname: 'web-2', 'user-data': userData, nameservers: '192.0.2.53', owner: 'ops' };
  const restarted = await host.call('Restart', { id: guest.id, state: 'running', metadata });
  t.regex(
    restarted.message ?? '',
    /changed hostname, nameservers at its next start: .* restart is not enough/,
  );
  await guest.says(`web-1, instance-id: "${guest.id}"`, 2);
  t.regex((await startWith(metadata)).message ?? '', /new cloud-init seed/);
  await guest.says(`web-2, instance-id: "${guest.id}-1"`);
  t.falsy((await startWith(metadata)).message);
  await guest.says(`web-2, instance-id: "${guest.id}-1"`, 2);
  t.regex((await startWith({ ...metadata, hostname: 'web_3' })).message ?? '', /keeps its earlier/);
  await guest.says(`web-2, instance-id: "${guest.id}-1"`, 3);
});

test('gives the guest’s disks the reported serials, also to a guest of an earlier version', async (t) => {
  const host = await QemuHost.start(t);
  const metadata = {
    'user-data': script(
      'for disk in /sys/block/vd?; do echo "mistify-guest: $(basename $disk) is $(cat $disk/serial)"; done',
    ),
  };
  const guest = await LinuxGuest.create(t, host, { metadata });
  const serial = diskSerial(guest.id, 0);
  await guest.says(`vda is ${serial}`);
  await host.call('Poweroff', { id: guest.id });
  const file = host.stateFile(guest.id, 'guest.json');
  const record: unknown = JSON.parse(await readFile(file, 'utf8'));
  await host.stop();
  await writeFile(
    file,
    JSON.stringify(record, (key, value) => (key === 'serial' ? undefined : value)),
  );
  await host.launch();
  const { guest: started } = await host.call('Run', { id: guest.id });
  t.is(started.disks?.[0]?.serial, serial);
  await guest.says(`vda is ${serial}`, 2);
});

test('keeps the seed private, read-only in the guest, and deletes it with the guest', async (t) => {
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

test('removes the seed when the new definition needs none', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const seed = host.stateFile(id, 'seed.iso');
  await host.call('Create', { id, ...TINY, metadata: { hostname: 'web-1' } });
  t.true(existsSync(seed));
  await host.call('Poweroff', { id });
  await host.call('Create', { id, ...TINY, nics: [{ network: 'user' }], metadata: { owner: 'ops' } });
  t.false(existsSync(seed));
});

test('attaches the seed to the bus of the first disk', async (t) => {
  const host = await QemuHost.start(t);
  for (const bus of ['virtio', 'scsi', 'sata', 'ide']) {
    const id = host.newId();
    const disks = [{ source: await host.makeDisk(id), bus }];
    const { guest } = await host.call('Create', { id, ...TINY, disks, metadata: { hostname: 'web-1' } });
    t.is(guest.state, 'running');
    t.is(Object.keys((await host.measure('DiskMetrics', id)).disk ?? {}).length, 1);
  }
});

test('leaves the metadata, which clients may have changed since, out of the response', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const { guest } = await host.call('Create', { id, ...TINY, metadata: { hostname: 'web-1' } });
  t.is(guest.metadata, undefined);
});
