import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { Guests } from '../../../../../lib/subagents/qemu/guests/guests.js';
import { resume, run, suspend } from '../../../../../lib/subagents/qemu/guests/lifecycle.js';
import { restart, shutdown } from '../../../../../lib/subagents/qemu/guests/power.js';
import { reboot } from '../../../../../lib/subagents/qemu/guests/reboot.js';
import { type FakeResults, fakeQemu } from '../../../../helpers/fake-qemu.js';
import { startGuestAgent } from '../../../../helpers/guest-agent.js';
import { send } from '../../../../helpers/qmp-server.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';

const PWRBTN = 0x100;

interface Registers {
  status: number;
  enable: number;
}

interface FakeButton {
  guests: Guests;
  presses: () => number;
  exit: () => void;
}

/** A guest with PM1 registers, whose kernel reacts to a press as `onPress` does. */
const guestWithButton = async (
  t: ExecutionContext,
  registers: Registers,
  onPress: (registers: Registers, exit: () => void) => void,
  results: FakeResults = {},
): Promise<FakeButton> => {
  let presses = 0;
  let monitor: Socket | undefined;
  const exit = (): void => {
    if (monitor) send(monitor, { event: 'SHUTDOWN', data: { guest: true, reason: 'guest-shutdown' } });
    fake.process.kill('SIGKILL');
  };
  const fake = await fakeQemu(t, {
    'query-status': (socket) => {
      monitor = socket;
      return { status: 'running' };
    },
    'human-monitor-command': (_socket, { 'command-line': line }) => {
      const port = Number(String(line).split(' ').at(-1));
      const value = port === 0x600 ? registers.status : registers.enable;
      return `portw[0x${port.toString(16)}] = 0x${value.toString(16).padStart(4, '0')}\r\n`;
    },
    system_powerdown: () => {
      presses += 1;
      onPress(registers, exit);
      return {};
    },
    ...results,
  });
  return { guests: fake.guests, presses: () => presses, exit };
};

const TAKEN = { status: 0, enable: PWRBTN };

test('presses the power button once while a guest that took the press shuts down', async (t) => {
  const { guests, presses } = await guestWithButton(t, { ...TAKEN }, (_registers, exit) => {
    setTimeout(exit, 4000);
  });
  await shutdown(guests, GUEST_ID, { timeoutMs: 20_000 });
  t.is(presses(), 1);
});

test('does not press again while the guest has not taken the press', async (t) => {
  const { guests, presses } = await guestWithButton(t, { ...TAKEN }, (registers) => {
    registers.status = PWRBTN;
  });
  await t.throwsAsync(shutdown(guests, GUEST_ID, { timeoutMs: 2500 }), { message: /power button/ });
  t.is(presses(), 1);
});

test('presses only once the guest listens, and again when that press was lost while it booted', async (t) => {
  const registers = { status: 0, enable: 0 };
  const { guests, presses } = await guestWithButton(t, registers, (_registers, exit) => {
    if (presses() === 2) exit();
  });
  setTimeout(() => {
    t.is(presses(), 0);
    registers.enable = PWRBTN;
  }, 1500);
  await shutdown(guests, GUEST_ID, { timeoutMs: 20_000 });
  t.is(presses(), 2);
});

test('presses the power button of a QEMU that does not show its registers', async (t) => {
  const { guests, presses } = await guestWithButton(t, { ...TAKEN }, (_registers, exit) => exit(), {
    'human-monitor-command': () => 'unknown command\r\n',
  });
  await shutdown(guests, GUEST_ID, { timeoutMs: 10_000 });
  t.is(presses(), 1);
});

const WITH_AGENT: FakeResults = {
  'query-chardev': () => [{ label: 'qga0', 'frontend-open': true }],
};

test('asks the guest agent first, and leaves the power button alone', async (t) => {
  const { guests, presses, exit } = await guestWithButton(t, { ...TAKEN }, () => undefined, WITH_AGENT);
  const agent = await startGuestAgent(t, guests.get(GUEST_ID).paths.guestAgent, {
    // It has no response when it succeeds.
    'guest-shutdown': () => {
      setTimeout(exit, 1500);
      return new Promise(() => undefined);
    },
  });
  await shutdown(guests, GUEST_ID, { timeoutMs: 20_000 });
  t.deepEqual(agent.commands, ['guest-sync-delimited', 'guest-shutdown']);
  t.is(presses(), 0);
});

test('presses the power button when the guest agent refuses', async (t) => {
  const { guests, presses } = await guestWithButton(t, { ...TAKEN }, (_r, exit) => exit(), WITH_AGENT);
  await startGuestAgent(t, guests.get(GUEST_ID).paths.guestAgent, {
    'guest-shutdown': () => new Error('Command guest-shutdown has been disabled'),
  });
  await shutdown(guests, GUEST_ID, { timeoutMs: 20_000 });
  t.is(presses(), 1);
});

for (const status of ['inmigrate', 'finish-migrate', 'postmigrate'])
  test(`reports the state ${status}, and rejects every command that would run the guest`, async (t) => {
    let continued = 0;
    const count = (): object => {
      continued += 1;
      return {};
    };
    const { guests } = await fakeQemu(t, {
      'query-status': () => ({ status }),
      cont: count,
      system_reset: count,
    });
    t.is(guests.states.get(GUEST_ID)?.state, status);
    for (const command of [run, resume, restart, reboot])
      await t.throwsAsync(command(guests, GUEST_ID, { force: true }), {
        message: new RegExp(`is ${status}: .*migrat`),
      });
    await t.throwsAsync(shutdown(guests, GUEST_ID), { message: new RegExp(`is ${status}`) });
    t.is(continued, 0);
  });

test('says at a suspend that the guest sleeps already, when QEMU does not stop it', async (t) => {
  const { guests } = await fakeQemu(t, { 'query-status': () => ({ status: 'suspended' }), stop: () => ({}) });
  const notes: string[] = [];
  await suspend(guests, GUEST_ID, { note: (message) => notes.push(message) });
  t.deepEqual(notes, ['the guest sleeps (ACPI S3), from which it may wake by itself']);
});
