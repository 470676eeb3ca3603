import test from 'ava';
import { ratesBetween, type Sample } from '../../../lib/portable/rates.js';

const sample = (at: number, value: number): Sample => ({
  time: new Date(at).toISOString(),
  cpu: [
    { cpu_time: value, vcpu_time: 0 },
    { cpu_time: value, vcpu_time: 0 },
  ],
  disk: {
    vda: {
      disk: 'vda',
      read_ops: 0,
      read_bytes: value * 10,
      read_time: 0,
      write_ops: 0,
      write_bytes: value * 20,
      write_time: 0,
      flush_ops: 0,
      flush_time: 0,
    },
  },
  nic: {
    net0: {
      name: 'net0',
      rx_bytes: value * 30,
      rx_packets: 0,
      rx_errors: 0,
      rx_drops: 0,
      tx_bytes: value * 40,
      tx_packets: 0,
      tx_errors: 0,
      tx_drops: 0,
    },
  },
});

test('adds up rates per second of all vCPUs, disks and NICs', (t) => {
  t.deepEqual(ratesBetween(sample(1000, 1), sample(3000, 2)), {
    cpu: 100,
    read: 5,
    written: 10,
    received: 15,
    sent: 20,
  });
});

test('returns 0 instead of a negative rate after a restart', (t) => {
  t.is(ratesBetween(sample(1000, 5), sample(2000, 1)).read, 0);
});

test('returns 0 for two samples of the same time', (t) => {
  t.is(ratesBetween(sample(1000, 1), sample(1000, 2)).read, 0);
});

test('returns 0 for missing counters', (t) => {
  const [before, after] = [{ time: '2026-01-01T00:00:00Z' }, { time: '2026-01-01T00:00:01Z' }];
  t.deepEqual(ratesBetween(before, after), { cpu: 0, read: 0, written: 0, received: 0, sent: 0 });
});
