import test, { type ExecutionContext } from 'ava';
import { GuestAgents } from '../../../../../lib/subagents/qemu/guest-agent/agents.js';
import { exec } from '../../../../../lib/subagents/qemu/guest-agent/exec.js';
import { agentInfo } from '../../../../../lib/subagents/qemu/guest-agent/info.js';
import { setClock } from '../../../../../lib/subagents/qemu/guest-agent/upkeep.js';
import { fakeQemu } from '../../../../helpers/fake-qemu.js';
import { type ScriptedGuestAgent, startGuestAgent } from '../../../../helpers/guest-agent.js';
import { GUEST_ID } from '../../../../helpers/sub-agents.js';

type Replies = Parameters<typeof startGuestAgent>[2];

interface Setup {
  agents: GuestAgents;
  scripted: ScriptedGuestAgent;
}

/** A running guest whose agent follows a script. */
const guestWith = async (t: ExecutionContext, replies: Replies): Promise<Setup> => {
  const { guests } = await fakeQemu(t, {
    'query-status': () => ({ status: 'running' }),
    'query-chardev': () => [{ label: 'qga0', 'frontend-open': true }],
  });
  const scripted = await startGuestAgent(t, guests.get(GUEST_ID).paths.guestAgent, replies);
  return { agents: new GuestAgents(guests), scripted };
};

const { signal } = new AbortController();
const notAllowed = (message: string): Error => new Error(message, { cause: 'CommandNotFound' });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('says how to allow a command that the guest agent does not allow', async (t) => {
  const { agents } = await guestWith(t, {
    'guest-exec': () => notAllowed('Command guest-exec has been disabled'),
    'guest-fsfreeze-status': () => 'thawed',
  });
  const { message } = await t.throwsAsync(exec(agents, GUEST_ID, { command: ['true'] }, signal));
  t.regex(message, /does not allow guest-exec: allow it in the guest.*\/etc\/sysconfig\/qemu-ga/);
});

test('says that the guest is frozen when that is why its agent refuses', async (t) => {
  const { agents } = await guestWith(t, {
    'guest-exec': () => notAllowed('Command guest-exec has been disabled: the agent is in frozen state'),
    'guest-fsfreeze-status': () => 'frozen',
  });
  const { message } = await t.throwsAsync(exec(agents, GUEST_ID, { command: ['true'] }, signal));
  t.regex(message, /frozen for a snapshot: retry/);
});

test('asks for the end of a program until it has ended, over a new connection each time', async (t) => {
  let polls = 0;
  const { agents, scripted } = await guestWith(t, {
    'guest-exec': () => ({ pid: 7 }),
    'guest-exec-status': () => {
      polls += 1;
      return polls < 3 ? { exited: false } : { exited: true, exitcode: 4, 'out-data': base64('done') };
    },
  });
  t.like(await exec(agents, GUEST_ID, { command: ['true'] }, signal), {
    exited: true,
    pid: 7,
    exitCode: 4,
    stdout: 'done',
    truncated: false,
  });
  t.is(scripted.commands.filter((command) => command === 'guest-sync-delimited').length, 4);
});

test('names the process of a program whose end it cannot find out', async (t) => {
  const { agents } = await guestWith(t, {
    'guest-exec': () => ({ pid: 7 }),
    'guest-exec-status': () => new Error("Invalid parameter 'pid'"),
  });
  const { message } = await t.throwsAsync(exec(agents, GUEST_ID, { command: ['true'] }, signal));
  t.regex(message, /^the program runs, or ran, as process 7, but its end is unknown: .*Invalid parameter/);
});

test('returns the 16 MiB of each output that the guest agent keeps, and says that there was more', async (t) => {
  const kept = Buffer.alloc(16 * 1024 * 1024, 0).toString('base64');
  const { agents } = await guestWith(t, {
    'guest-exec': () => ({ pid: 7 }),
    'guest-exec-status': () => ({
      ...{ exited: true, exitcode: 0, 'out-data': kept, 'out-truncated': true },
      ...{ 'err-data': kept, 'err-truncated': false },
    }),
  });
  const result = await exec(agents, GUEST_ID, { command: ['true'] }, signal);
  t.true(result.truncated);
  t.is(result.stdoutEncoding, 'base64');
  t.true(result.stdout === kept && result.stderr === kept);
});

test('leaves out what the guest agent does not allow, cannot tell, or tells wrongly', async (t) => {
  const commands = ['guest-get-host-name', 'guest-get-users', 'guest-get-osinfo', 'guest-get-timezone'];
  const { agents } = await guestWith(t, {
    'guest-info': () => ({
      version: '9',
      supported_commands: [
        ...commands.map((name) => ({ name, enabled: true })),
        { name: 'guest-network-get-interfaces', enabled: false },
      ],
    }),
    'guest-get-host-name': () => ({ 'host-name': 'web' }),
    'guest-get-users': () => new Error('no utmp'),
    'guest-get-osinfo': () => 'Linux',
    'guest-get-timezone': () => ({ offset: 3600 }),
  });
  const { abilities, ...rest } = await agentInfo(agents, GUEST_ID, signal);
  t.deepEqual(rest, { responds: true, version: '9', hostname: 'web', timezone: { offset: 3600 } });
  t.false(abilities?.exec);
});

test('sets a clock although the guest agent cannot write it to the hardware', async (t) => {
  let time = 0;
  const { agents } = await guestWith(t, {
    'guest-get-time': () => time,
    'guest-set-time': (args) => {
      time = Number(args.time);
      return new Error('hwclock failed');
    },
  });
  t.true((await setClock(agents, GUEST_ID, signal)).lag > 1_000_000_000);
});
