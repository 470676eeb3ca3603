import test from 'ava';
import { SLOT } from '../../../../../lib/subagents/qemu/machine/device-options.js';
import { earlierMachine } from '../../../../../lib/subagents/qemu/machine/identity.js';
import {
  fixPlaces,
  freePort,
  gapDevices,
  rowsOf,
  seedBus,
  withoutPlace,
  withPort,
} from '../../../../../lib/subagents/qemu/machine/places.js';
import { ROOT_PORTS } from '../../../../../lib/subagents/qemu/machine/spare-devices.js';

const layout1 = earlierMachine('pc-q35-7.2', 'tcg');
const layout2 = { ...layout1, layout: 2 };
const disk = (bus: string, number?: number) => ({
  ...{ bus, device: '', size: 1, volume: '', image: '', source: '' },
  ...(number === undefined ? {} : { number }),
});

test('gives disks the positions of their order in each row', (t) => {
  const disks = [disk('virtio'), disk('sata'), disk('scsi'), disk('ide'), disk('virtio')];
  t.deepEqual(rowsOf(layout2, disks), {
    'virtio-disk0': 0,
    'sata-disk1': 0,
    'scsi-disk2': 0,
    'ide-disk3': 1,
    'virtio-disk4': 1,
  });
});

test('keeps the place of every other device when one is removed', (t) => {
  const disks = [disk('sata'), disk('virtio'), disk('virtio')];
  const fixed = withoutPlace(fixPlaces(layout2, disks), 'sata-disk0');
  const left = [disk('virtio', 1), disk('virtio', 2)];
  t.deepEqual(rowsOf(fixed, left), { 'virtio-disk1': 0, 'virtio-disk2': 1, seed0: 1 });
  t.is(seedBus(fixed, left), 'sata');
  const later = withoutPlace(fixPlaces(fixed, left), 'virtio-disk1');
  t.deepEqual(rowsOf(later, left.slice(1)), { 'virtio-disk2': 1, seed0: 1 });
});

test('a device on a root port is in no row', (t) => {
  const machine = withPort(layout2, 'virtio-disk1', 3);
  t.deepEqual(rowsOf(machine, [disk('virtio'), disk('virtio'), disk('virtio')]), {
    'virtio-disk0': 0,
    'virtio-disk2': 1,
  });
  t.deepEqual(withoutPlace(machine, 'virtio-disk1').ports, {});
});

test('finds the lowest free root port, if the layout has any', (t) => {
  t.is(freePort(layout1), undefined);
  t.is(freePort(layout2), 0);
  t.is(freePort(withPort(withPort(layout2, 'nic1', 0), 'virtio-disk1', 2)), 1);
  const full = Array.from({ length: ROOT_PORTS }, (_, n) => n).reduce(
    (machine, n) => withPort(machine, `nic${n}`, n),
    layout2,
  );
  t.is(freePort(full), undefined);
});

test('puts a device into each function 0 that a row lacks', (t) => {
  const addresses = (positions: number[]): string[] =>
    gapDevices(SLOT.disks, positions)
      .filter((value) => value.startsWith('{'))
      .map((value) => (JSON.parse(value) as { addr: string }).addr);
  t.deepEqual(addresses([]), []);
  t.deepEqual(addresses([0, 1, 2]), []);
  t.deepEqual(addresses([1, 2]), ['10.0']);
  t.deepEqual(addresses([0, 9, 17]), ['11.0', '12.0']);
});
