import { QmpClient } from '../../../lib/qmp/client.js';
import { LINUX_PARTS, LinuxGuest } from '../../helpers/linux-guest.js';
import { needs } from '../../helpers/needs.js';
import { QemuHost, TINY } from '../../helpers/qemu.js';
import { until } from '../../helpers/wait.js';

const test = needs('qemu-system-x86_64', 'qemu-img');
const linuxTest = needs('genisoimage', ...LINUX_PARTS);

const NEXT_START = /at its next start: shut it down and start it, or use reboot; restart is not enough/;

test('changes a guest that is off at once, and gives it that when it starts', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('CreateGuest', { id, ...TINY });
  const size = { memory: 64, cpu: 2, maxMemory: 128, maxCpu: 4 };
  const { guest, message } = await host.change('Update', id, size);
  t.like(guest, { ...size, pending: {} });
  t.is(message, 'the guest has 64 MB of memory, 2 vCPUs, 128 MB as maxMemory and 4 vCPUs as maxCpu now');
  t.is(
    (await host.change('Update', id, size)).message,
    message?.replace(' now', ' already').replace('the guest', 'nothing changes: the guest'),
  );
  await host.call('Run', { id });
  t.like(await sizeInQemu(host, id), { memory: 64, cpu: 2, maxCpu: 4 });
  t.like(await host.streamedState(id), size);
});

/** What QEMU itself says of a guest's size. */
const sizeInQemu = async (host: QemuHost, id: string) => {
  const qmp = await QmpClient.connect(host.runFile(id, 'qmp-storage.sock'));
  try {
    const memory = await qmp.execute<Record<string, number>>('query-memory-size-summary');
    const slots = await qmp.execute<{ 'qom-path'?: string }[]>('query-hotpluggable-cpus');
    const bytes = (memory['base-memory'] ?? 0) + (memory['plugged-memory'] ?? 0);
    return {
      memory: bytes / 1024 / 1024,
      cpu: slots.filter((slot) => slot['qom-path']).length,
      maxCpu: slots.length,
    };
  } finally {
    qmp.close();
  }
};

test('keeps what a running guest cannot get until its next start, or until it is cancelled', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, memory: 64, cpu: 2 });
  const { guest, message } = await host.change('Update', id, { memory: 96, cpu: 1, maxCpu: 4 });
  t.like(guest, { memory: 64, cpu: 2, pending: { memory: 96, cpu: 1, maxCpu: 4 } });
  t.regex(message ?? '', NEXT_START);
  t.regex(message ?? '', /started without room for more memory.*vCPUs are added .* but never removed/);
  t.like(await sizeInQemu(host, id), { memory: 64, cpu: 2, maxCpu: 2 });
  // The record keeps it, and the reset of a guest is no start.
  await host.stop();
  await host.launch();
  await host.call('Restart', { id });
  t.deepEqual((await host.streamedState(id))?.pending, { memory: 96, cpu: 1, maxCpu: 4 });
  const cancelled = await host.change('Update', id, { cpu: 2, maxCpu: null });
  t.deepEqual(cancelled.guest.pending, { memory: 96 });
  t.deepEqual((await host.change('Update', id, { memory: 64 })).guest.pending, {});
  await host.change('Update', id, { memory: 96 });
  await host.call('Poweroff', { id });
  t.deepEqual((await host.streamedState(id))?.pending, { memory: 96 });
  t.like((await host.call('Run', { id })).guest, { memory: 96, cpu: 2, pending: {} });
  t.like(await sizeInQemu(host, id), { memory: 96, cpu: 2 });
});

test('says what a change would do without doing it', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, maxCpu: 4 });
  const { guest } = await host.change('CheckUpdate', id, { memory: 64, cpu: 3 });
  t.like(guest, { memory: 32, cpu: 3, maxCpu: 4, pending: { memory: 64 } });
  t.like(await host.streamedState(id), { memory: 32, cpu: 1, maxCpu: 4 });
  t.is((await sizeInQemu(host, id)).cpu, 1);
});

test('refuses what the guest or the host can never have, and changes nothing', async (t) => {
  const host = await QemuHost.start(t, undefined, { memoryOvercommit: 1, cpuOvercommit: 1 });
  const id = host.newId();
  await host.call('Create', { id, ...TINY, maxCpu: 200 });
  for (const [change, message] of [
    [{ memory: 2 ** 26 }, /"memory" must be at most this host's \d+ MB/],
    [{ maxCpu: 300 }, /"maxCpu" must be at most QEMU's limit of 288 vCPUs, got 300/],
    [{ memory: 64, maxMemory: 48 }, /"maxMemory" must be at least the memory of 64 MB, got 48/],
    [{ memory: '64' }, /"memory" must be a number/],
    [{ colour: 'red' }, /"colour" is not allowed/],
    [{ cpu: 200 }, /needs 200 vCPUs, and the guests that run have 0 vCPUs of/],
  ] as const)
    await t.throwsAsync(host.change('Update', id, change), { message });
  const state = await host.streamedState(id);
  t.like(state, { memory: 32, cpu: 1, maxCpu: 200 });
  t.is(state?.pending, undefined);
});

test('refuses the start of a guest whose growth has no room on the host by then', async (t) => {
  const host = await QemuHost.start(t, undefined, { cpuOvercommit: 1 });
  const id = host.newId();
  await host.call('Create', { id, ...TINY });
  await host.change('Update', id, { cpu: 200 });
  await host.call('Poweroff', { id });
  await t.throwsAsync(host.call('Run', { id }), {
    message: /needs 200 vCPUs, and the guests that run have 0/,
  });
  t.like((await host.change('Update', id, { cpu: 1 })).guest, { cpu: 1, pending: {} });
  t.is((await host.call('Run', { id })).guest.state, 'running');
});

test('changes the vCPUs of a guest of layout 1 at its start only', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  const machine = { type: 'pc-q35-6.2', layout: 1, firmware: 'bios', sockets: 1, threads: 1 };
  await host.call('Create', { id, ...TINY, machine });
  await t.throwsAsync(host.change('Update', id, { maxCpu: 4 }), {
    message: /"maxCpu" needs a guest of layout 2.*upgrade-machine/,
  });
  const { guest, message } = await host.change('Update', id, { cpu: 2, memory: 64, maxMemory: 128 });
  t.deepEqual(guest.pending, { cpu: 2, memory: 64, maxMemory: 128 });
  t.regex(message ?? '', /a guest of layout 1 gets vCPUs at a start only/);
  await host.call('Poweroff', { id });
  t.like((await host.call('Run', { id })).guest, { cpu: 2, memory: 64, maxMemory: 128, pending: {} });
  t.like(await sizeInQemu(host, id), { cpu: 2, memory: 64 });
});

test('leaves a halted guest as it is until its next start', async (t) => {
  const host = await QemuHost.start(t);
  const id = host.newId();
  await host.call('Create', { id, ...TINY, maxCpu: 2 });
  await host.call('Suspend', { id });
  const { guest, message } = await host.change('Update', id, { cpu: 2 });
  t.deepEqual(guest.pending, { cpu: 2 });
  t.regex(message ?? '', /it is paused now, and only a running guest changes at once/);
  await host.call('Resume', { id });
  t.like((await host.change('Update', id, { cpu: 2 })).guest, { cpu: 2, pending: {} });
});

/** Uses all vCPUs, as the rules of a distribution let a guest do, and says what it has from one process all the time. */
const WATCHER = [
  '#!/bin/sh',
  'count=0',
  'while sleep 1; do',
  '  for cpu in /sys/devices/system/cpu/cpu[0-9]*/online; do echo 1 > "$cpu" 2> /dev/null; done',
  '  count=$((count + 1))',
  '  memory=$(sed -n "s/^MemTotal: *\\([0-9]*\\) kB/\\1/p" /proc/meminfo)',
  '  echo "mistify-guest: watcher $$ count $count cpus $(nproc) memory $memory"',
  'done',
  '',
].join('\n');

interface Seen {
  process: number;
  count: number;
  cpus: number;
  /** MB. */
  memory: number;
}

/** What the guest's program has said last. */
const seen = async (guest: LinuxGuest): Promise<Seen | undefined> => {
  const lines = [...(await guest.console()).matchAll(/watcher (\d+) count (\d+) cpus (\d+) memory (\d+)/g)];
  const [, ...values] = lines.at(-1) ?? [];
  if (values.length === 0) return undefined;
  const [process = 0, count = 0, cpus = 0, memory = 0] = values.map(Number);
  return { process, count, cpus, memory: memory / 1024 };
};

const waitFor = (guest: LinuxGuest, what: string, is: (now: Seen) => boolean): Promise<Seen> =>
  until(
    what,
    async () => {
      const now = await seen(guest);
      return now && is(now) ? now : undefined;
    },
    120_000,
  );

linuxTest(
  'gives a running guest vCPUs and memory, and takes memory back, while a program in it runs on',
  async (t) => {
    const host = await QemuHost.start(t);
    const guest = await LinuxGuest.create(t, host, {
      ...{ memory: 256, maxMemory: 768, cpu: 1, maxCpu: 2 },
      metadata: { 'user-data': WATCHER },
    });
    const { id } = guest;
    const first = await waitFor(guest, 'the program runs', () => true);
    t.is(first.cpus, 1);
    const grown = await host.change('Update', id, { memory: 512, cpu: 2 });
    t.like(grown.guest, { memory: 512, cpu: 2, pending: {} }, grown.message);
    const more = await waitFor(
      guest,
      'the program has more',
      ({ cpus, memory }) => cpus === 2 && memory > first.memory + 250,
    );
    t.is(more.process, first.process);
    t.true(more.count > first.count);
    const shrunk = await host.change('Update', id, { memory: 256, cpu: 1 });
    t.like(shrunk.guest, { memory: 256, cpu: 2, pending: { cpu: 1 } }, shrunk.message);
    const less = await waitFor(
      guest,
      'the program has less memory',
      ({ memory }) => memory < first.memory + 10,
    );
    t.is(less.process, first.process);
    await host.call('Reboot', { id });
    t.like(await host.streamedState(id), { memory: 256, cpu: 1 });
    await guest.says('up', 2);
    const again = await waitFor(guest, 'the program runs with one vCPU', ({ cpus }) => cpus === 1);
    t.true(again.count < less.count);
  },
);
