import test from 'ava';
import {
  CAPABILITIES_QUERY,
  type Capabilities,
  parseCapabilities,
} from '../../../../../lib/subagents/qemu/machine/capabilities.js';
import {
  earlierMachine,
  machineProblem,
  machineTypeOf,
  machineWarnings,
  newMachine,
  upgradedMachine,
} from '../../../../../lib/subagents/qemu/machine/identity.js';

const lines = (...responses: unknown[]): string =>
  responses.map((response) => JSON.stringify(response)).join('\r\n');

/** A QEMU whose newest machine type is 11.1, and that has 8.1, deprecated, but no longer 5.1. */
const QEMU_11 = parseCapabilities(
  lines(
    { QMP: {} },
    { return: {} },
    { return: { qemu: { major: 11, minor: 1, micro: 2 } }, id: 'version' },
    {
      return: [
        { name: 'pc-q35-8.1', deprecated: true },
        { name: 'pc-q35-11.1', alias: 'q35', deprecated: false },
        { name: 'pc-q35-10.0' },
      ],
      id: 'machines',
    },
    {
      return: [
        { name: 'Nehalem', 'unavailable-features': [] },
        { name: 'Old', deprecated: true },
        { name: 'Haswell', 'unavailable-features': ['hle', 'rtm'] },
      ],
      id: 'cpu-models',
    },
  ),
);

const machine = (type: string, cpuModel = 'max') => ({ ...earlierMachine(type, 'tcg'), cpuModel });

test('reads the machine types and CPU models from QEMU’s responses', (t) => {
  t.is(QEMU_11.version, '11.1.2');
  t.is(QEMU_11.newest, 'pc-q35-11.1');
  t.deepEqual([...QEMU_11.machines.keys()], ['pc-q35-8.1', 'pc-q35-11.1', 'pc-q35-10.0']);
  t.deepEqual(QEMU_11.cpuModels.get('Haswell'), { deprecated: false, missing: ['hle', 'rtm'] });
  t.throws(() => parseCapabilities(lines({ return: {} })), { message: /did not tell its version/ });
  t.true(CAPABILITIES_QUERY.endsWith('{"execute":"quit"}\n'));
});

test('a new guest gets the newest machine type, by its versioned name, and the newest layout', (t) => {
  t.like(newMachine({}, QEMU_11, 'tcg'), {
    type: 'pc-q35-11.1',
    layout: 2,
    cpuModel: 'max',
    firmware: 'bios',
  });
  t.like(newMachine({}, QEMU_11, 'kvm'), { cpuModel: 'host' });
});

test('a guest from another host keeps the hardware that it brings', (t) => {
  const own = { type: 'pc-q35-8.1', layout: 1, firmware: 'bios' as const, sockets: 1, threads: 1 };
  t.like(newMachine({ machine: own, cpuModel: 'Nehalem' }, QEMU_11, 'tcg'), { ...own, cpuModel: 'Nehalem' });
  t.throws(() => newMachine({ machine: { ...own, type: 'pc-q35-5.1' } }, QEMU_11, 'tcg'), {
    message: 'QEMU 11.1.2 on this host has no machine type pc-q35-5.1 (its newest is pc-q35-11.1)',
  });
});

test('a new guest gets a tablet and a generation ID; one with hardware from elsewhere gets the devices that it brings', (t) => {
  const devices = { tablet: true, video: 'std', watchdog: 'none', vmgenid: true } as const;
  const made = newMachine({ devices: { watchdog: 'reset' } }, QEMU_11, 'tcg');
  t.deepEqual(made.devices, { ...devices, watchdog: 'reset' });
  t.regex(made.generation ?? '', /^[0-9a-f-]{36}$/);
  const own = { type: 'pc-q35-8.1', layout: 2 };
  const plain = newMachine({ machine: own }, QEMU_11, 'tcg');
  t.false('devices' in plain || 'generation' in plain);
  t.deepEqual(newMachine({ machine: own, devices: { tablet: true } }, QEMU_11, 'tcg').devices, {
    ...devices,
    vmgenid: false,
  });
});

test('rejects a CPU model that this host lacks, or cannot give all its features', (t) => {
  const design = (cpuModel: string) => newMachine({ cpuModel }, QEMU_11, 'tcg');
  t.throws(() => design('Pentium9'), { message: /has no CPU model Pentium9/ });
  t.throws(() => design('Haswell'), { message: /cannot give CPU model Haswell its features hle, rtm/ });
  t.notThrows(() => design('host'));
});

test('refuses a start on hardware that this QEMU lacks, with the way out', (t) => {
  const problemOf = (type: string, cpuModel?: string) =>
    machineProblem(machine(type, cpuModel), QEMU_11, 'tcg');
  t.regex(problemOf('pc-q35-5.1') ?? '', /no machine type pc-q35-5\.1.*mistify guest upgrade-machine/);
  t.regex(problemOf('pc-q35-10.0', 'Haswell') ?? '', /Haswell.*mistify guest upgrade-machine/);
  t.is(problemOf('pc-q35-8.1'), undefined);
});

test('refuses a start with the devices of a newer version of the agent', (t) => {
  const newer = { ...machine('pc-q35-10.0'), layout: 3 };
  t.regex(
    machineProblem(newer, QEMU_11, 'tcg') ?? '',
    /by a newer version of the agent \(layout 3, this version/,
  );
});

test('warns of hardware that is deprecated or gone, and of nothing else', (t) => {
  const warningsOf = (type: string, cpuModel?: string) =>
    machineWarnings(machine(type, cpuModel), QEMU_11, 'tcg');
  t.regex(warningsOf('pc-q35-8.1').join(), /^machine type pc-q35-8\.1 is deprecated in QEMU 11\.1\.2/);
  t.regex(warningsOf('pc-q35-10.0', 'Old').join(), /^CPU model Old is deprecated/);
  t.deepEqual(warningsOf('pc-q35-5.1'), [
    'the next start of the guest will fail: QEMU 11.1.2 on this host has no machine type pc-q35-5.1 (its newest is pc-q35-11.1); upgrade its virtual hardware with "mistify guest upgrade-machine"',
  ]);
  t.deepEqual(warningsOf('pc-q35-10.0'), []);
});

test('an upgrade that waits for the next start silences the warning', (t) => {
  const next = upgradedMachine(machine('pc-q35-5.1'), {}, QEMU_11, 'tcg');
  t.deepEqual(next, { type: 'pc-q35-11.1', layout: 2, cpuModel: 'max' });
  t.deepEqual(machineWarnings({ ...machine('pc-q35-5.1'), next }, QEMU_11, 'tcg'), []);
});

test('an upgrade takes a machine type or a CPU model by name, if this QEMU has it', (t) => {
  const upgrade = (wish: { type?: string; cpuModel?: string }, capabilities: Capabilities = QEMU_11) =>
    upgradedMachine(machine('pc-q35-8.1'), wish, capabilities, 'tcg');
  t.like(upgrade({ type: 'pc-q35-10.0', cpuModel: 'Nehalem' }), { type: 'pc-q35-10.0', cpuModel: 'Nehalem' });
  t.throws(() => upgrade({ type: 'pc-q35-99.0' }), { message: /no machine type pc-q35-99\.0/ });
});

test('an upgrade changes only what it names', (t) => {
  const own = { type: 'pc-q35-8.1', layout: 1, cpuModel: 'max' };
  const upgrade = (wish: { type?: string; cpuModel?: string }) => upgradedMachine(own, wish, QEMU_11, 'tcg');
  t.deepEqual(upgrade({ cpuModel: 'Nehalem' }), { ...own, cpuModel: 'Nehalem' });
  t.deepEqual(upgrade({ type: 'pc-q35-10.0' }), { ...own, type: 'pc-q35-10.0', layout: 2 });
  t.deepEqual(upgrade({}), { ...own, type: 'pc-q35-11.1', layout: 2 });
});

test('an upgrade to what a guest has keeps all, even what this QEMU lacks', (t) => {
  const gone = { type: 'pc-q35-5.1', layout: 1, cpuModel: 'max' };
  for (const wish of [{ type: gone.type }, { cpuModel: gone.cpuModel }])
    t.deepEqual(upgradedMachine(gone, wish, QEMU_11, 'tcg'), gone);
});

test('distrusts the machine type that a running QEMU reports', (t) => {
  t.is(machineTypeOf('pc-q35-7.2-machine'), 'pc-q35-7.2');
  t.is(machineTypeOf('pc-q35-rhel9.4.0-machine'), 'pc-q35-rhel9.4.0');
  for (const text of ['pc-q35-7.2,dumpdtb=/x-machine', 'none-machine', 'pc-q35-7.2', undefined, {}])
    t.is(machineTypeOf(text), undefined);
});
